import type { Report } from "./types";

/** A request that was not carried out. Always has a report that a person can be shown. */
export class Failure extends Error {
  constructor(
    readonly report: Report,
    /** The HTTP status, or 0 where no answer came. */
    readonly status: number,
  ) {
    super(report.message);
    this.name = "Failure";
  }
}

const unreachable: Report = {
  code: "connection-lost",
  message: "Stigmer does not answer",
  hint: "it continues by itself when it is back; if not, start it again",
};

/** The failure behind whatever was thrown. */
export function asFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  if (thrown instanceof DOMException && thrown.name === "AbortError") {
    return new Failure({ code: "aborted", message: "no longer wanted" }, 0);
  }
  const cause = thrown instanceof Error ? thrown.message : String(thrown);
  return new Failure({ ...unreachable, causes: [cause] }, 0);
}

/** The failure that an answer stands for. */
export async function failureOf(response: Response): Promise<Failure> {
  const text = await response.text().catch(() => "");
  try {
    const report: unknown = JSON.parse(text);
    if (isReport(report)) return new Failure(report, response.status);
  } catch {
    // Not ours: a proxy, or another program on that port.
  }
  const message = `the answer was ${response.status} ${response.statusText}`.trim();
  return new Failure(
    { code: "connection-lost", message, causes: text ? [text.slice(0, 200)] : [] },
    response.status,
  );
}

function isReport(value: unknown): value is Report {
  return typeof value === "object" && value !== null && "code" in value && "message" in value;
}
