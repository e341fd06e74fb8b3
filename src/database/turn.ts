import type { Socket } from "node:net";

/**
 * What is written to a socket in one turn leaves at its end, all at once: each part that leaves by itself wakes the server for itself.
 * (Beneath TLS, which writes past this socket, they still do.)
 */
export class Turn {
  #leaving: NodeJS.Immediate | null = null;

  /** @param last what is done before all leaves */
  constructor(
    private readonly socket: Socket,
    private readonly last: () => void,
  ) {}

  /** Keeps what is written from now on until the turn ends. */
  keep(): void {
    if (this.#leaving) return;
    this.socket.cork();
    this.#leaving = setImmediate(this.#leave);
  }

  /** Ends the turn behind what others have put at its end so far. */
  putOff(): void {
    if (this.#leaving) clearImmediate(this.#leaving);
    this.#leaving = setImmediate(this.#leave);
  }

  readonly #leave = (): void => {
    this.#leaving = null;
    this.last();
    this.socket.uncork();
  };
}
