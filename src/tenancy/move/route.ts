import type { TenantId } from "../../ids.js";
import type { Home } from "../directory/directory.js";
import type { Isolation } from "../directory/table.js";

/** A home, and what kind it is. */
export interface Place extends Home {
  readonly isolation: Isolation;
}

/** One move of one tenant, as the directory has it written down. */
export interface Route {
  readonly id: string;
  readonly tenant: TenantId;
  readonly slug: string;
  readonly from: Place;
  readonly to: Place;
  /** What the tenant is before the move and after it. */
  readonly status: "ACTIVE" | "SUSPENDED";
  /** Of the old home; the new one has the next. */
  readonly epoch: number;
}

/** What the row of a home says of it: by both of them everybody who comes judges whether it is theirs, and open. */
export type Standing = Readonly<{ epoch: number; status: Route["status"] | "FENCED" }>;

/** How the new home stands until it is opened. Nobody reads a suspended tenant, so its home is as it will be. */
export const awaiting = ({ epoch, status }: Route): Standing => ({
  epoch: epoch + 1,
  status: status === "ACTIVE" ? "FENCED" : status,
});

/**
 * How the old home stands while nothing may be changed. A suspended one, too, is written to: its audit is sealed. It has no
 * readers for whom it must stay open, so it is closed as it is for good.
 */
export const fenced = ({ epoch, status }: Route): Standing => ({
  epoch: status === "ACTIVE" ? epoch : epoch + 1,
  status: "FENCED",
});

/** What the mover's own table, function and triggers in the old home are called. */
export const tracesOf = ({ tenant }: Pick<Route, "tenant">): string => `moving_${tenant.replaceAll("-", "")}`;

/** The move cannot be made, or cannot go on; the tenant stays where it is. */
export class MoveRefusedError extends Error {
  override readonly name = "MoveRefusedError";
}

/** The tenant is in its new home, and the move is not at its end all the same. */
export class MovedPartlyError extends Error {
  override readonly name = "MovedPartlyError";
}
