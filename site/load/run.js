// Runs the load comparison and prints its results. The README says how to run it and what it
// measures.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import { createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import Database from "better-sqlite3";
import pg from "pg";
import { sign } from "./token.js";

const here = import.meta.dirname;
const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "10" },
    warmup: { type: "string", default: "2" },
    binaries: { type: "string", default: path.join(here, "../../target/release") },
    data: { type: "string", default: here },
  },
});
const rounds = number("rounds", 1);
const seconds = number("seconds", 1);
const warmup = number("warmup", 0);
const binaries = path.resolve(options.binaries);
// The databases are in a new directory inside of this one, so its disk is the one that is
// measured.
const data = mkdtempSync(path.join(path.resolve(options.data), "data-"));
process.on("exit", () => rmSync(data, { recursive: true, force: true }));

const CONNECTIONS = 32;
const SERVER_CORE = "0";
const LOAD_CORE = "1";
// So many that the stock doesn't run out.
const STOCK = 4_000_000_000;
const SECRET = "a-secret-for-the-load-comparison";
const URL_IN_TOKENS = "http://127.0.0.1:4000";

function number(name, min) {
  const value = Number(options[name]);
  if (Number.isInteger(value) && value >= min) return value;
  throw new Error(`--${name} must be a whole number from ${min}`);
}

/** Starts a server on its core, and waits for its first response with the status 200. */
async function start(command, args, env, probe) {
  const port = await freePort();
  const started = performance.now();
  const child = spawn("taskset", ["-c", SERVER_CORE, command, ...args], {
    cwd: data,
    stdio: ["ignore", 2, "inherit"],
    env: {
      PATH: process.env.PATH,
      NODE_ENV: "production",
      PORT: String(port),
      SHOP_ADDRESS: `127.0.0.1:${port}`,
      // By default, the shop and the service write a line for each request, and the Node.js
      // programs don't.
      RUST_LOG: "warn",
      ...env,
    },
  });
  const exited = new Promise((resolve) => child.on("exit", resolve));
  child.on("error", () => {});
  while ((await status(port, probe)) !== 200) {
    const late = performance.now() - started > 30_000;
    if (late || child.pid === undefined || child.exitCode !== null) {
      child.kill("SIGKILL");
      throw new Error(`${[command, ...args].join(" ")} doesn't start`);
    }
    await sleep(1);
  }
  return {
    port,
    startMs: performance.now() - started,
    /** The memory that the process has now, in MiB. */
    rss() {
      const text = readFileSync(`/proc/${child.pid}/status`, "utf8");
      return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)[1]) / 1024;
    },
    /** The CPU time that the process has used so far, in seconds. */
    cpu() {
      const text = readFileSync(`/proc/${child.pid}/stat`, "utf8");
      // The name of the program comes before the `)`, and may contain spaces.
      const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
      // `utime` and `stime`, in ticks. Linux has 100 of them in a second.
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
    async stop() {
      child.kill("SIGTERM");
      const killer = setTimeout(() => child.kill("SIGKILL"), 5000);
      await exited;
      clearTimeout(killer);
    },
  };
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function status(port, probe) {
  return new Promise((resolve) => {
    const request = http.get({ host: "127.0.0.1", port, path: probe, agent: false });
    request.on("response", (response) => {
      response.resume();
      response.on("close", () => resolve(response.statusCode));
    });
    request.on("error", () => resolve(undefined));
  });
}

/** Runs wrk on its core. Returns what `load.lua` has counted and measured. */
function load(port, target, duration, token = "") {
  const args = ["-c", LOAD_CORE, "wrk", "-t1", `-c${CONNECTIONS}`, `-d${duration}s`];
  args.push("-s", path.join(here, "load.lua"), `http://127.0.0.1:${port}`);
  const env = {
    PATH: process.env.PATH,
    LOAD_TARGET: target,
    LOAD_TOKEN: token,
    LOAD_RUN: randomBytes(8).toString("hex"),
  };
  const child = spawn("taskset", args, { env, stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => {
      const result = /^RESULT (.*)$/m.exec(output);
      if (!result) return reject(new Error(`wrk failed: ${output}`));
      resolve(JSON.parse(result[1]));
    });
  });
}

async function measure(server, target, token) {
  if (warmup > 0) await load(server.port, target, warmup, token);
  const before = server.cpu();
  const result = await load(server.port, target, seconds, token);
  const cpu = server.cpu() - before;
  return {
    rate: result.expected / result.seconds,
    cpu: (cpu * 1e6) / result.expected,
    p50: result.p50,
    p99: result.p99,
    wrong: result.other + result.failed,
  };
}

function removeDatabase(file) {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
}

/** The candidates that use SQLite. Each run of one begins with a copy of the same file. */
async function sqliteCandidates() {
  const template = path.join(data, "template.db");
  removeDatabase(template);
  const shop = path.join(binaries, "shop");
  const first = await start(shop, [], { SHOP_DATABASE: template }, "/menu");
  await first.stop();
  const db = new Database(template);
  db.prepare("UPDATE items SET stock = ?").run(STOCK);
  db.pragma("wal_checkpoint(TRUNCATE)");
  db.close();

  const run = async (command, args, variable) => {
    const file = path.join(data, "run.db");
    removeDatabase(file);
    copyFileSync(template, file);
    const server = await start(command, args, { [variable]: file }, "/menu");
    try {
      const menu = await measure(server, "menu");
      const orders = await measure(server, "shop");
      return { startMs: server.startMs, menu, orders, rss: server.rss() };
    } finally {
      await server.stop();
      removeDatabase(file);
    }
  };
  const node = (file) => run(process.execPath, [path.join(here, file)], "DATABASE");
  return {
    "axum (the shop)": () => run(shop, [], "SHOP_DATABASE"),
    "Express 5": () => node("express-shop.js"),
    "Fastify 5": () => node("fastify-shop.js"),
  };
}

/** The candidates that use PostgreSQL. Each run of one begins with a copy of one database. */
async function postgresCandidates(url) {
  const name = `load_${randomBytes(4).toString("hex")}`;
  const inDatabase = (database) => Object.assign(new URL(url), { pathname: database }).href;
  const query = async (database, text, values) => {
    const client = new pg.Client({ connectionString: database });
    await client.connect();
    try {
      return await client.query(text, values);
    } finally {
      await client.end();
    }
  };
  const env = (database) => ({
    DATABASE_URL: inDatabase(database),
    JWT_SECRET: SECRET,
    SHOP_URL: URL_IN_TOKENS,
  });
  const template = `${name}_template`;
  const copy = `${name}_run`;
  const service = path.join(binaries, "service");
  const drop = async () => {
    await query(url, `DROP DATABASE IF EXISTS ${copy} WITH (FORCE)`);
    await query(url, `DROP DATABASE IF EXISTS ${template} WITH (FORCE)`);
  };

  await query(url, `CREATE DATABASE ${template}`);
  let customer;
  try {
    const first = await start(service, [], env(template), "/health/live");
    await first.stop();
    await query(inDatabase(template), "UPDATE items SET stock = $1", [STOCK]);
    const { rows } = await query(
      inDatabase(template),
      `INSERT INTO customers (email, email_key, name, password_hash, role, created_at)
       VALUES ('ada@shop.example', 'ada@shop.example', 'Ada', '', 'customer', 0)
       RETURNING id`,
    );
    customer = rows[0].id;
  } catch (error) {
    await drop();
    throw error;
  }

  const run = async (command, args) => {
    await query(url, `DROP DATABASE IF EXISTS ${copy} WITH (FORCE)`);
    await query(url, `CREATE DATABASE ${copy} TEMPLATE ${template}`);
    const server = await start(command, args, env(copy), "/health/live");
    try {
      const token = sign(SECRET, URL_IN_TOKENS, String(customer), 3600);
      const orders = await measure(server, "service", token);
      return { startMs: server.startMs, orders, rss: server.rss() };
    } finally {
      await server.stop();
    }
  };
  const fastify = path.join(here, "fastify-service.js");
  const candidates = {
    "axum (the service)": () => run(service, []),
    "Fastify 5 with pg": () => run(process.execPath, [fastify]),
  };
  const { rows } = await query(
    url,
    `SELECT current_setting('server_version') AS version,
         current_setting('fsync') AS fsync,
         current_setting('synchronous_commit') AS commit`,
  );
  return { candidates, drop, settings: rows[0] };
}

/** Runs all candidates in each round, each time beginning with another one. */
async function compare(candidates) {
  const names = Object.keys(candidates);
  const results = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(round + i) % names.length];
      console.error(`round ${round + 1} of ${rounds}: ${name}`);
      results[name].push(await candidates[name]());
    }
  }
  return results;
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Prints a table with the medians of one operation, and the ratios to the first candidate. */
function printLoad(title, results, operation) {
  const row = ([name, runs]) => {
    const of = (key) => median(runs.map((run) => run[operation][key]));
    const rates = runs.map((run) => run[operation].rate);
    const wrong = runs.reduce((sum, run) => sum + run[operation].wrong, 0);
    const [rate, cpu, p50, p99] = ["rate", "cpu", "p50", "p99"].map(of);
    return { name, rate, rates, cpu, p50, p99, wrong };
  };
  const rows = Object.entries(results).map(row);
  const [first] = rows;
  console.log(`\n${title}\n`);
  console.log(
    "| | requests/s | slowest and fastest round | p50 ms | p99 ms | CPU µs per request |" +
      " wrong responses | axum's rate / this | axum's p99 / this | this CPU / axum's |",
  );
  console.log("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
  for (const { name, rate, rates, cpu, p50, p99, wrong } of rows) {
    const range = `${Math.min(...rates).toFixed(0)} to ${Math.max(...rates).toFixed(0)}`;
    const ratios = [first.rate / rate, first.p99 / p99, cpu / first.cpu]
      .map((ratio) => ratio.toFixed(2))
      .join(" | ");
    const times = `${p50.toFixed(2)} | ${p99.toFixed(2)} | ${cpu.toFixed(0)}`;
    console.log(`| ${name} | ${rate.toFixed(0)} | ${range} | ${times} | ${wrong} | ${ratios} |`);
  }
}

function printProcess(title, results) {
  console.log(`\n${title}\n`);
  console.log("| | start, ms | memory after the load (RSS), MiB |");
  console.log("| --- | ---: | ---: |");
  for (const [name, runs] of Object.entries(results)) {
    const startMs = median(runs.map((run) => run.startMs));
    const rss = median(runs.map((run) => run.rss));
    console.log(`| ${name} | ${startMs.toFixed(0)} | ${rss.toFixed(1)} |`);
  }
}

function version(name) {
  const file = path.join(here, "node_modules", name, "package.json");
  return `${name} ${JSON.parse(readFileSync(file, "utf8")).version}`;
}

const began = performance.now();
const packages = ["express", "fastify", "better-sqlite3", "pg"].map(version).join(", ");
console.log(`Node.js ${process.version}, ${packages}`);
console.log(`${os.cpus()[0].model}, Linux ${os.release()}`);
console.log(
  `${CONNECTIONS} connections, ${rounds} rounds of ${seconds} s after ${warmup} s of warm-up;` +
    ` load average at the start: ${os.loadavg()[0].toFixed(2)}`,
);

const sqlite = await compare(await sqliteCandidates());
printLoad("`GET /menu`, SQLite", sqlite, "menu");
printLoad("`POST /orders`, SQLite", sqlite, "orders");
printProcess("The processes, SQLite", sqlite);

if (process.env.POSTGRES_URL) {
  const postgres = await postgresCandidates(process.env.POSTGRES_URL);
  try {
    const results = await compare(postgres.candidates);
    const { version, fsync, commit } = postgres.settings;
    const settings = `version ${version}, fsync ${fsync}, synchronous_commit ${commit}`;
    printLoad(`\`POST /orders\`, PostgreSQL (${settings})`, results, "orders");
    printProcess("The processes, PostgreSQL", results);
  } finally {
    await postgres.drop();
  }
} else {
  console.log("\nPOSTGRES_URL is not set, so the service was not measured.");
}
const minutes = (performance.now() - began) / 60_000;
console.log(
  `\nThis took ${minutes.toFixed(1)} minutes; load average at the end:` +
    ` ${os.loadavg()[0].toFixed(2)}`,
);
