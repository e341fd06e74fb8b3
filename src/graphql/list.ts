import type { Column, InferSelectModel, SQL, SQLWrapper, Subquery } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import type { Scope as Places } from "../access/access.js";
import type { TenantDb } from "../tenancy/session.js";
import type { ColumnsOf } from "./columns.js";
import type { placesNamed, Values } from "./given.js";
import type { RowsByKey } from "./loader.js";
import type { Asked, Order } from "./order.js";
import type { Page, Placed } from "./page.js";
import type { Scope } from "./scope.js";

export interface PageOf<By extends string = string> {
  /** What the list hangs on; nothing for a list of the whole tenant. */
  readonly key?: string;
  readonly page: Page;
  readonly order: By;
  /** Organizations to which the list is confined, where its condition asks for them. */
  readonly scope?: Places;
  /** Values that the list's condition compares with, by name. */
  readonly filter?: Readonly<Record<string, unknown>>;
}

/** A list: its rows, the ways to order them, and which of them it shows. */
export interface ListOf<T extends PgTable, By extends string> {
  readonly table: T;
  readonly orders: Readonly<Record<By, Order>>;
  /** Written once for the process: it may hold nothing of a session but what it is given. */
  readonly where: (asked: Asked) => SQL | undefined;
  /** The organizations whose rows the viewer sees, among what is given, for a list of the whole tenant. */
  readonly seen?: ReturnType<typeof placesNamed>;
  /** What of its rows an operation asks for. */
  readonly columns?: (scope: Scope) => ColumnsOf<T>;
  /** Rows of other tables that come with a row in the same statement, where many would be asked for right after it. */
  readonly along?: readonly Along<T>[];
  readonly gathered?: Gathered;
  /** Gives the condition what it takes besides the tenant and the instant. */
  readonly give?: (values: Values, scope: Scope) => void;
}

/** The one row of another table that a row of the list leads to. */
export interface Along<T extends PgTable> {
  readonly isAsked: (scope: Scope) => boolean;
  /** Whether the rows of so many lists lead to about as many others; where they lead to few, each of those is read once, after them. */
  readonly isMany: (lists: number) => boolean;
  readonly table: PgTable & { readonly tenantId: Column; readonly id: Column };
  readonly columns: (scope: Scope) => Record<string, unknown>;
  /** The column that names it. */
  readonly by: keyof ColumnsOf<T> & string;
  /** Where whoever asks for it will look. */
  readonly rows: (scope: Scope) => RowsByKey<never, never>;
}

/** Any number of rows of other tables that belong to a row of the list, and come in the same statement. */
export interface Gathered {
  readonly isAsked: (scope: Scope) => boolean;
  readonly how: (scope: Scope) => GatheredBy;
}

/** How they are gathered: the same object for whoever asks for the same of them. */
export interface GatheredBy {
  /** Tells it from other ways to gather the same. */
  readonly name: string;
  /**
   * Those of the row that has this id, what stands beside each of them, and what is read of all. They are joined with it, one after
   * the other: to have PostgreSQL write them as one JSON value for each row costs it more than to find them.
   */
  readonly rows: (db: TenantDb, id: SQLWrapper) => { readonly from: readonly Subquery[]; readonly columns: Came };
  /** Puts what came where whoever asks for it will look; in whatever order it came. */
  readonly take: (scope: Scope, id: string, came: readonly never[]) => void;
}

/** Each has an id. */
type Came = Readonly<Record<string, unknown>> & { readonly id: unknown };

export type Found<T extends PgTable> = Placed<InferSelectModel<T>>[];
