// An API without a framework, as Bun and Deno serve it.
import { DreamAPI } from "dream-gateway";
import { withDreamGateway } from "dream-gateway/next";

const { GATEWAY_URL: baseUrl, GATEWAY_SECRET_KEY: secretKey } = process.env;
const api = new DreamAPI({ baseUrl, secretKey });

export default { fetch: withDreamGateway(api, (request, context, caller) => Response.json({ hello: caller.userId })) };
