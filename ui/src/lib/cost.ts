/** What the cloud costs, in words: every amount is an estimate in US dollars, and is said to be "about" that. */

import type { CloudSandbox, CostReport, Run } from "../ipc/types";
import { counted } from "./format";

/** `$12.35`, `$0.0666`: cents, and of less than ten cents as many places as say something. */
export function dollars(amount: number): string {
  if (amount === 0) return "$0";
  if (amount < 0.0001) return "< $0.0001";
  // Whole cents need no more than two places.
  return `$${amount < 0.1 ? amount.toFixed(4).replace(/00$/, "") : amount.toFixed(2)}`;
}

/** An amount in a sentence. */
export function about(amount: number): string {
  const told = dollars(amount);
  return told.startsWith("<") ? told.replace("<", "less than") : `about ${told}`;
}

/** What a cloud sandbox costs, in a line. */
export function costInWords({ per_hour, at_most }: CloudSandbox["cost"]): string {
  const soFar = at_most === undefined ? "" : `, at most ${about(at_most)} so far`;
  return `${about(per_hour)} an hour as it is now${soFar}: an estimate`;
}

type Metered = Pick<Run, "cost_usd" | "cost_per_hour" | "cost_since" | "ended">;

/** What a run cost: so far while it goes on, by the whole second; `null` where it costs nothing or nobody knows. */
export function costOf(run: Metered, now: number): number | null {
  const { cost_per_hour: perHour, cost_since: since, ended } = run;
  if (ended !== null || perHour === null || since === null) return run.cost_usd;
  const seconds = Math.floor(Math.max(0, now - Date.parse(since)) / 1000);
  return (perHour * seconds) / 3600;
}

/** The month so far, in a sentence. */
export function monthSoFar({ cost, runs, limit }: Pick<CostReport, "cost" | "runs" | "limit">): string {
  const of = limit === null ? "" : `, of a limit of ${dollars(limit)}`;
  return `This month ${counted(runs, "run")} in the cloud cost ${about(cost)}${of}.`;
}

/** Where a month stands against its limit. */
export function stands({ cost, limit }: Pick<CostReport, "cost" | "limit">): "far" | "near" | "over" {
  if (limit === null) return "far";
  if (cost >= limit) return "over";
  return cost >= limit * 0.8 ? "near" : "far";
}

/** What of a limit is left, in words; nothing where there is none. */
export function left({ cost, limit }: Pick<CostReport, "cost" | "limit">): string {
  if (limit === null) return "There is no monthly limit.";
  const of = `of the monthly limit of ${dollars(limit)}`;
  if (cost > limit) return `${capital(about(cost - limit))} over the monthly limit of ${dollars(limit)}.`;
  return cost === limit ? `Nothing ${of} is left.` : `${capital(about(limit - cost))} ${of} is left.`;
}

const capital = (words: string) => words.charAt(0).toUpperCase() + words.slice(1);
