import { Cancellation, pauseUntil, type Signal } from "../../src/database/signal.js";

const WHY = new Error("a test's");

describe("Cancellation", () => {
  it("tells all who listen, once, with the first reason", () => {
    const cancellation = new Cancellation();
    const told: string[] = [];
    for (const name of ["a", "b"]) cancellation.addEventListener("abort", () => told.push(name));

    cancellation.abort(WHY);
    cancellation.abort(new Error("another"));

    expect(told).toEqual(["a", "b"]);
    expect([cancellation.aborted, cancellation.reason]).toEqual([true, WHY]);
  });

  it("tells nobody who has stopped listening, also where another who is told stops them", () => {
    const cancellation = new Cancellation();
    const told: string[] = [];
    const gone = () => told.push("gone");
    const stopped = () => told.push("stopped");
    for (const listener of [gone, () => cancellation.removeEventListener("abort", stopped), stopped])
      cancellation.addEventListener("abort", listener);

    cancellation.removeEventListener("abort", gone);
    cancellation.abort(WHY);

    expect(told).toEqual([]);
  });

  it("tells nobody who comes too late, as every signal", () => {
    const controller = new AbortController();
    const cancellation = new Cancellation();
    const told: string[] = [];

    controller.abort(WHY);
    cancellation.abort(WHY);
    for (const signal of [controller.signal, cancellation] as Signal[])
      signal.addEventListener("abort", () => told.push("late"), { once: true });

    expect(told).toEqual([]);
  });
});

/** A signal that counts who listens. */
class Counted extends Cancellation {
  listening = 0;
  override addEventListener(type: "abort", listener: () => void): void {
    this.listening++;
    super.addEventListener(type, listener);
  }
  override removeEventListener(type: "abort", listener: () => void): void {
    this.listening--;
    super.removeEventListener(type, listener);
  }
}

describe("pauseUntil", () => {
  it.each([
    ["the time is over", (_: Cancellation) => {}, 1],
    ["the signal aborts", (cancellation: Cancellation) => queueMicrotask(() => cancellation.abort(WHY)), 2 ** 30],
    ["it has aborted already", (cancellation: Cancellation) => cancellation.abort(WHY), 2 ** 30],
  ])("ends when %s, and listens no longer", async (_when, end, ms) => {
    const counted = new Counted();
    end(counted);

    await pauseUntil(counted, ms);

    expect(counted.listening).toBe(0);
  });
});
