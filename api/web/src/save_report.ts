// Keeps a panel's query under a name, and leads to the page where it can be sent regularly.
import { find } from "./dom";
import { fill } from "./format";
import type { Panel, ReportData } from "./report_model";
import { queryOf } from "./report_words";

export async function save(panel: Panel, data: ReportData): Promise<void> {
  const dialog = find<HTMLDialogElement>("#save");
  const name = find<HTMLInputElement>("#save-name");
  const problem = find<HTMLElement>("#save-problem");
  name.value = panel.title;
  problem.hidden = true;
  // the same key at every try of one question, so that a lost answer does not save twice
  const key = crypto.randomUUID?.() ?? String(Math.random());
  for (;;) {
    dialog.returnValue = "no";
    dialog.showModal();
    name.select();
    await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    if (dialog.returnValue !== "yes") return;
    const words = await send(name.value, panel, data, `${key}-${name.value.length}-${hash(name.value)}`);
    if (words === null) return;
    problem.textContent = fill(data.texts["save_failed"] ?? "{detail}", { detail: words });
    problem.hidden = false;
  }
}

/** Null when it is kept and the page leaves; else what was wrong. */
async function send(name: string, panel: Panel, data: ReportData, key: string): Promise<string | null> {
  try {
    const response = await fetch("/v1/reports", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "Accept-Language": data.language, "Idempotency-Key": key },
      body: JSON.stringify({ name, query: queryOf(panel, data) }),
    });
    const answer = (await response.json()) as { report_id?: number; detail?: string };
    if (!response.ok) return answer.detail ?? response.statusText;
    location.assign(`/reports/saved/${answer.report_id}`);
    return null;
  } catch (error) {
    return String(error);
  }
}

/** Tells two names apart; an idempotency key is plain ASCII. */
function hash(text: string): string {
  return [...text].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) >>> 0, 7).toString(36);
}
