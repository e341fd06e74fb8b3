import { drizzleClient } from "./drizzleClient.js";
import { ConnectionLostError, followsFailure, LeaseOverError, orTakesNoChanges, sessionSurvives } from "./errors.js";
import type { Course, Flight } from "./flight.js";
import type { Leased } from "./leased.js";
import { Notes } from "./notes.js";
import { Outstanding } from "./outstanding.js";
import type { Result } from "./result.js";
import { NOBODY, type Noted, type Sender, type Unanswered, type Waiter } from "./sent.js";

export type { Result, Row } from "./result.js";

/** Why a lease that was given back takes no statement. */
const DONE = new LeaseOverError();
/** How long what somebody gave up may go on before its session ends with it: most statements are done long before. */
const GRACE_MS = 250;

/** One operation's use of a connection. Every statement goes through it, and none after its end. */
export class Lease implements Sender {
  #over: Error | null = null;
  #isInTransaction = false;
  #lastIsSent = false;
  #sent = 0;
  /** Which statement follows by itself as the last one, and behind how many. */
  #last: { readonly text: string; readonly behind: number } | null = null;
  #closing: Promise<Result> | null = null;
  #flight: Flight | null = null;
  #notes: Notes | null = null;
  #isExceeded = false;
  #failure: Error | null = null;
  readonly #outstanding: Outstanding;
  /** What is to be done when all is answered that somebody gave up. */
  #tidy: ((isWell: boolean) => void) | null = null;
  readonly #ended: (() => void)[] = [];
  /** Which has the connection after this one. */
  #next: Lease | null = null;

  /** @param before which is not answered yet, where it hands its connection on */
  constructor(
    private readonly connection: Leased,
    private readonly silenceMs: number | undefined,
    private readonly before: Lease | null = null,
  ) {
    const lose = () => this.condemn(new ConnectionLostError("The database has stopped answering."));
    this.#outstanding = new Outstanding(silenceMs, lose, before ? before.#outstanding : null);
  }

  get pid(): number {
    return this.connection.pid;
  }

  get isCitus(): boolean {
    return this.connection.isCitus;
  }

  /** Why no statement can be sent any more; null while one can. */
  get over(): Error | null {
    return this.#over;
  }

  /** How many statements were sent, without the one that closes the transaction. */
  get sent(): number {
    return this.#sent;
  }

  /** The answer to the last statement, where it followed by itself; null where it did not, or not yet. */
  get closing(): Promise<Result> | null {
    return this.#closing;
  }

  /** Whether more was asked than what the last statement was to follow, or did. */
  get isExceeded(): boolean {
    return this.#isExceeded;
  }

  /** What PostgreSQL refused last, whether or not anybody listened. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** What was sent before anybody asked; null where nothing was. */
  get flight(): Flight | null {
    return this.#flight;
  }

  /** Sends a transaction as a whole, before anything else; whoever asks the same is answered from it. Nothing where not all of it is prepared here. */
  fly(course: Course): void {
    // Of one that is over, the connection may be somebody else's.
    this.#flight = this.#over ? null : this.connection.fly(this, course);
    if (!this.#flight) return;
    this.#isInTransaction = this.#lastIsSent = true;
    this.#sent = this.#flight.statements.length - 1;
    this.#outstanding.add(this.#flight, this.#sent);
    this.#closing = this.#flight.closing;
  }

  /** Notes from now on what is asked, to ask it again; null where it could not be sent as a whole. */
  note(): Notes | null {
    this.#notes = this.connection.canFly ? new Notes() : null;
    return this.#notes;
  }

  /** Sends a statement; what was sent before is answered before. Without parameters it may hold no values at all. */
  run(text: string, params: readonly unknown[] = []): Promise<Result> {
    return this.#send(text, params, true, false);
  }

  /** The same, with rows as lists of their values. */
  runRaw(text: string, params: readonly unknown[]): Promise<Result> {
    return this.#send(text, params, true, true);
  }

  /** The same for a statement without tables, which has one plan for all homes. */
  runAnywhere(text: string, params: readonly unknown[]): Promise<Result> {
    return this.#send(text, params, false, false);
  }

  /** Sends the statement that opens the transaction of the lease. */
  runFirst(text: string): Promise<Result> {
    this.#isInTransaction = true;
    return this.run(text);
  }

  /** Sends the statement that closes the transaction. Nothing may follow it: it would run outside of every transaction. */
  runLast(text: string): Promise<Result> {
    const answer = this.#send(text, [], true, false, true);
    this.#lastIsSent = true;
    return answer;
  }

  /** Has the statement that closes the transaction follow by itself when so many are sent, so that it travels with the last of them. */
  runLastBehind(text: string, behind: number): void {
    this.#last = { text, behind };
  }

  /** The connection for one transaction more, which is sent right behind the end of this one. Others have it when that has ended. */
  handOn(): Lease {
    const next = new Lease(this.connection, this.silenceMs, this);
    next.#over = this.#over;
    // By then it may be somebody else's.
    if (this.#over) return next;
    next.#ended.push(...this.#ended.splice(0));
    this.#next = next;
    this.connection.holdBy(next);
    return next;
  }

  /** What drizzle takes for a client. */
  asClient() {
    return drizzleClient(this);
  }

  /** Ends the lease with everything answered and the transaction closed: the connection goes to the next one. */
  release(): void {
    if (this.#over) return;
    if (this.#outstanding.isEmpty) this.#finish(DONE);
    else this.condemn(DONE);
  }

  /** Ends the lease and the session with it: for a transaction in an unknown state. */
  condemn(reason: Error): void {
    if (!this.#over) this.connection.condemn(reason);
  }

  /**
   * Ends the lease for somebody who has gone away: whoever waits learns the reason at once, and whoever comes next has the
   * connection once what was sent is answered and the transaction undone, if that does not take long.
   */
  abandon(reason: Error): void {
    if (this.#next) return void this.#next.abandon(reason);
    if (this.#over) return;
    if (this.#isInTransaction && !this.#lastIsSent) this.#post(NOBODY, "rollback", [], true, false);
    this.#close(reason);
    if (this.#outstanding.isEmpty) return void this.#handBack();
    // An answer, or the loss of the session: the driver leaves some statements of a dead one unanswered.
    const lose = () => this.connection.condemn(reason);
    // What has come in the meantime is read before anybody is found silent: it may be this process that was late.
    const timer = setTimeout(() => setImmediate(() => this.#tidy && lose()), GRACE_MS);
    const tidy = (isWell: boolean) => {
      clearTimeout(timer);
      if (!isWell) lose();
      this.#handBack();
    };
    this.#tidy = tidy;
  }

  /** Called when the session is gone. Every statement that waits is answered with the reason. */
  revoke(reason: Error): void {
    if (!this.#over) this.#finish(reason);
    else this.#tidy?.(true);
  }

  onEnd(then: () => void): void {
    this.#ended.push(then);
  }

  #finish(reason: Error): void {
    this.#close(reason);
    this.#handBack();
  }

  #close(reason: Error): void {
    if (this.before && !this.before.#over) this.before.#close(reason);
    this.#over = reason;
    this.#outstanding.refuse(reason);
  }

  #handBack(): void {
    this.#tidy = null;
    for (const then of this.#ended.splice(0)) then();
  }

  #send(text: string, params: readonly unknown[], isOfHome: boolean, isRaw: boolean, isLast = false): Promise<Result> {
    const flown = this.#over ? null : this.#flight?.answerTo(text, params, isRaw);
    if (flown) return flown;
    const over = this.#over ?? (this.#lastIsSent ? DONE : null);
    // Made here, where it tells who comes too late: every lease ends, and few are used after that.
    const refusal = over === DONE ? new LeaseOverError() : over;
    if (over === DONE) this.#isExceeded = true;
    const answer = new Promise<Result>((tell, refuse) => {
      if (refusal) refuse(refusal);
      else {
        const sent = this.#post({ tell, refuse }, text, params, isOfHome, isRaw);
        if (!isLast) this.#notes?.add(sent, text, isOfHome);
      }
    });
    // A statement that nobody awaits must not end the process when it fails; its transaction cannot be committed any more.
    answer.catch(NOBODY.refuse);
    if (!refusal && !isLast && ++this.#sent === this.#last?.behind) this.#closing = this.runLast(this.#last.text);
    return answer;
  }

  #post(waiter: Waiter, text: string, params: readonly unknown[], isOfHome: boolean, isRaw: boolean): Noted {
    const sent = this.connection.send(this, waiter, text, params, isOfHome, isRaw, !this.#isInTransaction);
    this.#outstanding.add(sent);
    return sent;
  }

  hear(statement: Unanswered, isWell: boolean): void {
    this.#outstanding.remove(statement);
    if (this.#over && this.#outstanding.isEmpty) queueMicrotask(() => this.#tidy?.(isWell));
  }

  meaningOf(error: Error): Error {
    // It says only that an earlier statement failed, maybe one that nobody awaits: that one is the reason.
    if (followsFailure(error)) return this.#failure ?? error;
    if (!sessionSurvives(error)) this.condemn(new ConnectionLostError("The session was lost.", { cause: error }));
    this.#failure = error;
    return this.#over ?? (this.#isInTransaction ? error : orTakesNoChanges(error));
  }
}
