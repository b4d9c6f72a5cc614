// What tsc does not write: the mark that has Node take dist/cjs for CommonJS, and the license.
import { copyFileSync, writeFileSync } from "node:fs";

writeFileSync(new URL("dist/cjs/package.json", import.meta.url), '{ "type": "commonjs" }\n');
copyFileSync(new URL("../../LICENSE", import.meta.url), new URL("LICENSE", import.meta.url));
