// The plugin as a host meets it: a process that is named a socket and nothing else.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import { service } from "../lib/serve.js";

const PLUGIN = fileURLToPath(new URL("../plugin.js", import.meta.url));
const YAML = "batch_size: 8\nlr: 0.1\n";
const folder = mkdtempSync(join(tmpdir(), "plugin-"));
const socket = join(folder, "p.sock");
const plugin = start({ NIGHTLAB_PLUGIN_SOCKET: socket });
const Client = service();
const client = new Client(`unix:${socket}`, grpc.credentials.createInsecure());

before(() => call("getPluginInfo", {}));

after(() => {
  client.close();
  plugin.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

test("says who it is, to a host of the future too", async () => {
  const { name, version } = await call("getPluginInfo", { host_version: "99.0", host_features: [77] });
  assert.deepEqual([name, version], ["yaml-moves", "1.0.0"]);
});

test("the socket is closed to others", () => {
  assert.equal(statSync(socket).mode & 0o007, 0);
});

test("lists its actions page by page", async () => {
  const first = await call("listActions", { page_size: 1 });
  const second = await call("listActions", { page_size: 1, page_token: first.next_page_token });
  assert.deepEqual([...first.actions, ...second.actions].map((each) => each.name), ["scale_batch", "mix_data"]);
  assert.equal(second.next_page_token, "");
  assert.equal(JSON.parse(first.actions[0].parameters_schema).additionalProperties, false);
  await rejectsWith("INVALID_ARGUMENT", call("listActions", { page_token: "-1" }));
});

test("checks and applies, the same each time", async () => {
  const workspace = { files: [{ path: "run.yaml", content: Buffer.from(YAML) }] };
  const checked = await call("checkAction", { action: "scale_batch", workspace });
  assert.equal(checked.applicable, true);
  const asked = { action: "scale_batch", workspace, arguments_json: '{"factor": 4}' };
  const answers = await Promise.all([..."abcd"].map((id) => call("applyAction", { ...asked, request_id: id })));
  for (const { edits } of answers) assert.deepEqual(edits, answers[0].edits);
  const [edit] = answers[0].edits.edits;
  assert.equal(edit.write.toString(), "batch_size: 32\nlr: 0.2\n");
  assert.match(edit.base_sha256, /^[0-9a-f]{64}$/);
});

test("no is an answer, and a broken call is a status", async () => {
  const empty = { action: "scale_batch", workspace: { files: [] }, arguments_json: '{"factor": 2}' };
  assert.equal((await call("checkAction", empty)).applicable, false);
  assert.equal((await call("applyAction", empty)).rejection.diagnostics[0].severity, "SEVERITY_ERROR");
  const wrong = await call("applyAction", { ...empty, arguments_json: '{"factor": 3}' });
  assert.equal(wrong.rejection.diagnostics[0].pointer, "/factor");
  await rejectsWith("NOT_FOUND", call("applyAction", { action: "unknown" }));
  await rejectsWith("UNIMPLEMENTED", call("observeOutcomes", {}));
});

test("ends when it is told to", async () => {
  const other = join(folder, "other.sock");
  const process = start({ NIGHTLAB_PLUGIN_SOCKET: other });
  const peer = new Client(`unix:${other}`, grpc.credentials.createInsecure());
  await call("getPluginInfo", {}, peer);
  const ended = once(process, "exit");
  process.kill("SIGTERM");
  assert.deepEqual(await ended, [0, null]);
  peer.close();
});

test("started by hand it says in one line what it is", async () => {
  const process = start({});
  const said = [];
  process.stderr.on("data", (chunk) => said.push(chunk));
  const [code] = await once(process, "close");
  assert.notEqual(code, 0);
  assert.match(said.join(""), /^yaml-moves is a nightlab plugin: .*NIGHTLAB_PLUGIN_SOCKET.*\n$/);
});

function start(env) {
  return spawn(process.execPath, [PLUGIN], { env, stdio: ["ignore", "inherit", "pipe"] });
}

function call(method, request, to = client) {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + 20_000;
    to.waitForReady(deadline, (late) => {
      if (late) reject(late);
      else to[method](request, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  });
}

async function rejectsWith(status, promise) {
  await assert.rejects(promise, (error) => error.code === grpc.status[status]);
}
