// A Next.js API that only customers' keys get to.
import type { NextRequest } from "next/server";
import { DreamAPI } from "dream-gateway";
import { withDreamGateway } from "dream-gateway/next";

const api = new DreamAPI({ baseUrl: process.env.GATEWAY_URL!, secretKey: process.env.GATEWAY_SECRET_KEY! });

type Context = RouteContext<"/api/hello/[name]">;

export const GET = withDreamGateway(api, async (request: NextRequest, { params }: Context, caller) => {
  const { name } = await params;
  const response = Response.json({ hello: caller.userId, name, asked: request.nextUrl.searchParams.get("asked") });
  for (const cookie of ["a=1", "b=2"]) response.headers.append("set-cookie", cookie);
  return response;
});

export const POST = withDreamGateway(
  api,
  async (request, _: Context, caller) => Response.json({ hello: caller.userId, told: await request.json() }),
  { cost: 2 },
);
