// How an action says no: its arguments or the workspace do not fit. Becomes a rejection, never a crash.

export class Unmet extends Error {
  /**
   * @param {string} summary One line.
   * @param {{detail?: string, pointer?: string}} [more] The pointer is a JSON Pointer into the arguments, or "path:line".
   */
  constructor(summary, { detail = "", pointer = "" } = {}) {
    super(summary);
    this.notes = [note("ERROR", summary, { detail, pointer })];
  }

  /** Several notes at once, the first an error. */
  static of(notes) {
    const unmet = new Unmet(notes[0].summary);
    unmet.notes = notes;
    return unmet;
  }
}

/** Make a Diagnostic of the protocol; the severity is "ERROR", "WARNING" or "NOTE". */
export function note(severity, summary, { detail = "", pointer = "" } = {}) {
  return { severity: `SEVERITY_${severity}`, summary, detail, pointer };
}
