// A verdict with a code a person can be told about. Knows no platform.

export class Failure extends Error {
  /** @param {string} code @param {string} message @param {string} [path] relative to the project */
  constructor(code, message, path) {
    super(message);
    this.code = code;
    this.path = path;
  }
}
