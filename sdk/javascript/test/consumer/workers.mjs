// A Worker of each kind: the conformance script, a handler without a framework, and for the rest the example.
import * as sdk from "dream-gateway";
import { withDreamGateway } from "dream-gateway/next";
import { conform } from "./conformance.mjs";
import example from "./worker.mjs";

const PAGES = { "/conformance": conformance, "/plain": plain };

export default {
  fetch(request, env, context) {
    const page = PAGES[new URL(request.url).pathname];
    return page === undefined ? example.fetch(request, env, context) : page(request, env);
  },
};

async function conformance(request) {
  try {
    return Response.json(await conform(sdk, await request.json()));
  } catch (error) {
    return new Response(error.stack, { status: 500 });
  }
}

function plain(request, { GATEWAY_URL: baseUrl, GATEWAY_SECRET_KEY: secretKey }) {
  return withDreamGateway(new sdk.DreamAPI({ baseUrl, secretKey }), greet)(request);
}

function greet(request, _, caller) {
  if (request.headers.get("upgrade") === "websocket") return echo();
  const response = Response.json({ hello: caller.userId });
  for (const cookie of ["a=1", "b=2"]) response.headers.append("set-cookie", cookie);
  return response;
}

function echo() {
  const { 0: webSocket, 1: server } = new WebSocketPair();
  server.accept();
  server.addEventListener("message", ({ data }) => server.send(data));
  return new Response(null, { status: 101, webSocket });
}
