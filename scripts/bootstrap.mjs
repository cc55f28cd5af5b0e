/**
 * The door from a bare clone: `node scripts/bootstrap.mjs <command> [args]`.
 *
 * Plain JavaScript without dependencies, because it runs on the machine's own Node (20 or newer) before anything is
 * installed. It installs what package-lock.json asks for, then hands over to `scripts/<command>.ts` under the pinned
 * Node 24 of node_modules.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const STAMP = join("node_modules", ".smartline-lock");

/** The hash of package-lock.json under `root`; the stamp of an install holds the one it was made from. */
function lockHash(root) {
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
}

/** Whether node_modules is missing or was installed from another package-lock.json. */
export function needsInstall(root) {
  const stamp = join(root, STAMP);
  if (!existsSync(join(root, "node_modules", ".bin", "node"))) return true;
  if (existsSync(stamp) && readFileSync(stamp, "utf8").trim() === lockHash(root)) return false;
  return !installedByHand(root);
}

/**
 * Whether a plain `npm install` has already put the lock file's packages in place, by npm's own record of node_modules.
 * `npm ci` would empty the folder under whatever else is running in this checkout, to arrive at the same.
 */
function installedByHand(root) {
  const record = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(record)) return false;
  const installed = JSON.parse(readFileSync(record, "utf8")).packages ?? {};
  const { packages = {} } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  return Object.entries(packages).every(([path, wanted]) => {
    if (path === "") return true; // the project itself
    const found = installed[path];
    return found ? found.version === wanted.version : wanted.optional === true;
  });
}

/** Records that node_modules now holds what package-lock.json says. */
export function writeStamp(root) {
  writeFileSync(join(root, STAMP), `${lockHash(root)}\n`);
}

/** One line for the person at the terminal out of npm's output. */
export function explainInstallFailure(output, code) {
  const network = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT)\b/.exec(
    output,
  );
  if (network)
    return `the npm registry cannot be reached (${network[1]}); check the network, or npm's registry and proxy settings`;
  if (/\bENOSPC\b/.test(output)) return "the disk is full (ENOSPC)";
  if (/\b(EACCES|EPERM)\b/.test(output)) return "node_modules cannot be written (permission denied)";
  const first = output.split("\n").find((line) => /^npm (error|ERR!) (?!code\b)/.test(line));
  return `npm ci failed with exit code ${code}${first ? `: ${first.replace(/^npm (error|ERR!) /, "")}` : ""}`;
}

function fail(message) {
  console.error(`✗ ${message}`);
  process.exit(1);
}

/**
 * Whether `npm ci` refused only because package-lock.json lacks optional packages: those for other platforms, which npm
 * leaves out of the file where the registry does not offer them, and which npm 11 then misses (npm/cli#8805).
 */
export function lacksOptionalOnly(output, root) {
  const { packages = {} } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const optional = new Set(Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {})));
  const missing = [...output.matchAll(/^npm (?:error|ERR!) Missing: (.+)@[^@]* from lock file$/gm)].map(
    ([, name]) => name,
  );
  return (
    missing.length > 0 && !/^npm (?:error|ERR!) Invalid:/m.test(output) && missing.every((name) => optional.has(name))
  );
}

/** Runs npm, with the seconds counting where someone watches; resolves its output and exit code. */
async function npm(root, args, started) {
  const live = process.stdout.isTTY;
  const timer = live ? setInterval(() => process.stdout.write(`\r  ${elapsed(started)} `), 500) : undefined;
  const child = spawn("npm", args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  const code = await new Promise((resolve) => {
    child.on("error", () => resolve(127));
    child.on("close", (exitCode, signal) => resolve(signal ? 128 + (constants.signals[signal] ?? 0) : exitCode));
  });
  clearInterval(timer);
  if (live) process.stdout.write("\r");
  return { output, code };
}

const elapsed = (started) => `${((Date.now() - started) / 1000).toFixed(1)} s`;

/** Fills node_modules from package-lock.json; ends the process with one line when that cannot be done. */
async function install(root) {
  if (spawnSync("npm", ["--version"], { stdio: "ignore" }).error) {
    fail("npm was not found on the PATH; install Node.js 20 or newer together with npm");
  }
  const started = Date.now();
  console.log("… installing dependencies (npm ci)");
  // NODE_ENV=production would leave out the development dependencies, and with them Node 24 itself.
  // `npm --silent test` would silence the words by which we know what was missing.
  const options = ["--no-audit", "--no-fund", "--include=dev", "--loglevel=warn"];
  let { output, code } = await npm(root, ["ci", ...options], started);
  if (code !== 0 && lacksOptionalOnly(output, root)) {
    // The same versions from the same file, without that check; the file is not written.
    ({ output, code } = await npm(root, ["install", "--no-save", ...options], started));
  }
  if (code !== 0) fail(`Dependencies not installed: ${explainInstallFailure(output, code)}`);
  console.log(`✓ dependencies installed  ${elapsed(started)}`);
}

/**
 * Under npm, calls `onGone` when npm ends before us: killed with a signal it cannot pass on, it would leave the product
 * running with nobody to stop it.
 */
function watchNpm(onGone) {
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onGone();
  }, 500);
  timer.unref();
}

/** Hands over to the TypeScript command and ends as it ends. */
function run(root, script, args) {
  const bin = join(root, "node_modules", ".bin");
  const child = spawn(join(bin, "node"), [script, ...args], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` },
  });
  watchNpm(() => child.kill("SIGTERM"));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`Node 24 of node_modules does not start: ${error.message}`));
  child.on("close", (code, signal) => process.exit(signal ? 128 + (constants.signals[signal] ?? 0) : (code ?? 1)));
}

async function main() {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const [command, ...args] = process.argv.slice(2);
  const script = join(root, "scripts", `${command}.ts`);
  if (!command || !/^[a-z][a-z0-9-]*$/.test(command) || !existsSync(script)) {
    fail(`Usage: node scripts/bootstrap.mjs <command> [args]; there is no scripts/${command ?? "<command>"}.ts`);
  }
  if (!existsSync(join(root, "package-lock.json")))
    fail("package-lock.json is missing; this is not a complete checkout");
  if (needsInstall(root)) await install(root);
  writeStamp(root);
  run(root, script, args);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await main();
