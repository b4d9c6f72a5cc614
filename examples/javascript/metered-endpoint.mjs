// An API that only customers' keys get to, and that counts: npm install dream-gateway express.
import express from "express";
import { DreamAPI } from "dream-gateway";
import { dreamGateway } from "dream-gateway/express";

const { GATEWAY_URL: baseUrl, GATEWAY_SECRET_KEY: secretKey, PORT = "3000" } = process.env;
const app = express().use(dreamGateway(new DreamAPI({ baseUrl, secretKey })));
app.get("/", (request, response) => response.json({ hello: request.dream.userId }));
const server = app.listen(Number(PORT), "127.0.0.1", () => console.log(server.address().port));
