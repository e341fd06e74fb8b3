// Test files that run in one worker have its packages in common. Jest would find, parse and run a thousand of their files
// anew for each test file, which takes longer than most test files do. What is ours, each test file has anew.
const { TestEnvironment } = require("jest-environment-node");

/** What the first test file of a worker was given; modules belong to the realm that they were made in. */
let first;

module.exports = class Environment extends TestEnvironment {
  constructor(...args) {
    super(...args);
    first ??= { context: this.context, global: this.global };
    Object.assign(this, first);
  }

  async teardown() {
    this.fakeTimers.dispose();
    this.fakeTimersModern.dispose();
  }
};
