// What tsc does not write: the mark that has Node take dist/cjs for CommonJS, and the license.
import { copyFileSync, existsSync, writeFileSync } from "node:fs";

writeFileSync(new URL("dist/cjs/package.json", import.meta.url), '{ "type": "commonjs" }\n');
const license = new URL("../../LICENSE", import.meta.url);
const copied = new URL("LICENSE", import.meta.url);
if (existsSync(license)) copyFileSync(license, copied);
else if (!existsSync(copied)) console.warn("Built without LICENSE, which lies in the repository: copy it here to publish.");
