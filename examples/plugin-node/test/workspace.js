// What the tests share: a workspace of a few files, and what an action makes of it.
import { readArguments, readObject } from "../lib/parameters.js";

export function workspace(files) {
  return { files: new Map(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)])) };
}

export function check(action, files, settings = {}) {
  return action.check(workspace(files), new Map(Object.entries(settings)));
}

export function apply(action, files, chosen, settings = {}) {
  const text = JSON.stringify(chosen);
  const read = action.schemaFromWorkspace ? text : readArguments(action.schema, text);
  return action.apply(workspace(files), readObject(JSON.stringify(settings), "the settings"), read);
}

/** The notes with which an action says no. */
export function refusal(work) {
  try {
    work();
  } catch (error) {
    if (error.notes) return error.notes[0];
    throw error;
  }
  throw new Error("it did not refuse");
}
