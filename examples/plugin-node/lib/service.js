// Answers the five calls of nightlab.api.plugin.v1 for a plugin. What a caller acts on (bad arguments, a workspace that does
// not fit) is data in the answer; a status is for a broken call.
import { createHash, randomUUID } from "node:crypto";
import grpc from "@grpc/grpc-js";
import { readArguments, readObject } from "./parameters.js";
import { Unmet } from "./unmet.js";

const MOST_PER_PAGE = 100;

/** Make the handlers of a plugin: {name, version, actions}. */
export function handlers(plugin) {
  return {
    getPluginInfo: answering(() => ({ name: plugin.name, version: plugin.version })),
    listActions: answering((request) => page(plugin, request)),
    checkAction: answering((request) => check(find(plugin, request.action), request)),
    applyAction: answering((request) => apply(find(plugin, request.action), request)),
    observeOutcomes: answering(() => {
      throw new Refused(grpc.status.UNIMPLEMENTED, `${plugin.name} has no FEATURE_OBSERVE`);
    }),
  };
}

class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

function answering(handler) {
  return (call, callback) => {
    try {
      callback(null, handler(call.request));
    } catch (error) {
      callback(error instanceof Refused ? error : internal(error));
    }
  };
}

function internal(error) {
  const incident = randomUUID().slice(0, 8);
  console.error(`incident ${incident}:`, error); // the details are for the log, never for the peer
  return { code: grpc.status.INTERNAL, details: `the plugin failed; its log has incident ${incident}` };
}

function page(plugin, { page_size: size, page_token: token }) {
  if (!/^\d{0,9}$/.test(token)) throw new Refused(grpc.status.INVALID_ARGUMENT, "page_token is not one of this plugin");
  const first = Number(token);
  const next = first + Math.max(1, Math.min(size || MOST_PER_PAGE, MOST_PER_PAGE));
  const actions = plugin.actions.slice(first, next).map(actionMessage);
  return { actions, next_page_token: next < plugin.actions.length ? String(next) : "" };
}

function actionMessage({ name, title, description, reads, writes, schema, schemaFromWorkspace = false }) {
  const parameters_schema = JSON.stringify(schema);
  const schema_from_workspace = schemaFromWorkspace;
  return { name, title, description, parameters_schema, reads, writes, deterministic: true, schema_from_workspace };
}

function find(plugin, name) {
  const action = plugin.actions.find((each) => each.name === name);
  if (!action) throw new Refused(grpc.status.NOT_FOUND, `${plugin.name} has no action ${JSON.stringify(name)}`);
  return action;
}

function check(action, request) {
  return orNotes(
    () => {
      const { notes, schema } = action.check(workspace(request), settings(request));
      return { applicable: true, diagnostics: notes, narrowed_schema: JSON.stringify(schema) };
    },
    (diagnostics) => ({ applicable: false, diagnostics }),
  );
}

function apply(action, request) {
  return orNotes(
    () => {
      const ws = workspace(request);
      const text = request.arguments_json;
      const chosen = action.schemaFromWorkspace ? text : readArguments(action.schema, text);
      const { files, summary } = action.apply(ws, settings(request), chosen);
      return { edits: { edits: [...files].map(([path, content]) => edit(ws, path, content)), summary } };
    },
    (diagnostics) => ({ rejection: { diagnostics } }),
  );
}

function orNotes(work, refuse) {
  try {
    return work();
  } catch (error) {
    if (error instanceof Unmet) return refuse(error.notes);
    throw error;
  }
}

function workspace(request) {
  const files = request.workspace?.files ?? [];
  return { files: new Map(files.map((file) => [file.path, file.content])) };
}

function settings(request) {
  return readObject(request.settings_json, "the settings");
}

function edit(ws, path, content) {
  const base_sha256 = createHash("sha256").update(ws.files.get(path)).digest("hex");
  return { path, base_sha256, write: Buffer.from(content) };
}
