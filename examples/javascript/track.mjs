// Charges a user for a request: npm install dream-gateway, and these lines.
import { DreamAPI } from "dream-gateway";

const { GATEWAY_URL: baseUrl, GATEWAY_SECRET_KEY: secretKey } = process.env;
const api = new DreamAPI({ baseUrl, secretKey });
const { usage } = await api.usage.track({ userId: "ada" });
console.log(`${usage.userId} has used ${usage.usageCount} of ${usage.limit}`);
