/** What leaves this computer with the first copy of a folder to the cloud, and the question whether it may. */

import { files } from "../ipc/api";
import type { NewRun, Upload } from "../ipc/types";
import { complain } from "./toasts.svelte";

interface Question {
  workspace: string;
  /** `null` while it is being looked at. */
  upload: Upload | null;
  answer: (agreed: boolean) => void;
}

/** A look that takes longer is shown. */
const PATIENCE_MS = 300;

let asked = $state.raw<Question | null>(null);

export const leaving = {
  get question() {
    return asked;
  },
};

/** Whether a run may start: nothing leaves for the first time, nobody is to be asked, or a person agrees. */
export async function mayLeave(run: NewRun): Promise<boolean> {
  if (run.mode !== "daytona") return true;
  if (asked !== null) return false;
  const given = new AbortController();
  return new Promise((resolve) => {
    const answer = (agreed: boolean) => {
      given.abort();
      clearTimeout(timer);
      asked = null;
      resolve(agreed);
    };
    const ask = (upload: Upload | null) => (asked = { workspace: run.workspace, upload, answer });
    const timer = setTimeout(() => ask(null), PATIENCE_MS);
    files.upload(run.workspace, given.signal).then(
      ({ confirm, upload }) => {
        clearTimeout(timer);
        if (given.signal.aborted) return;
        if (confirm && upload && upload.files > 0) ask(upload);
        else answer(true);
      },
      (failure: unknown) => {
        if (given.signal.aborted) return;
        complain(failure);
        answer(false);
      },
    );
  });
}
