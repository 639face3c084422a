// The question before a running campaign is changed, and the change itself through the API.
import { find } from "./dom";
import { fill } from "./format";
import type { Campaign, FloorData } from "./floor_model";

export type Act = "pause" | "resume" | "speed";

export class Ask {
  constructor(
    private readonly data: FloorData,
    private readonly onProblem: (words: string) => void,
  ) {}

  /** Ask, and do it if the answer is yes. The keyboard goes back to the button by itself. */
  async about(act: Act, campaign: Campaign): Promise<void> {
    const dialog = find<HTMLDialogElement>("#ask");
    const word = (key: string): string => this.data.texts[key] ?? key;
    find("#ask-title").textContent = word(act);
    find("#ask-words").textContent = fill(word(`${act}_question`), { name: campaign.name });
    find("#ask-yes").textContent = word(act);
    find<HTMLElement>("#ask-speed").hidden = act !== "speed";
    const rate = find<HTMLInputElement>("#ask-rate");
    const calls = find<HTMLInputElement>("#ask-calls");
    rate.disabled = calls.disabled = act !== "speed";
    rate.value = String(campaign.max_calls_per_second);
    calls.value = String(campaign.max_concurrent_calls);
    dialog.returnValue = "no";
    dialog.showModal();
    await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    if (dialog.returnValue !== "yes") return;
    const address = `/v1/campaigns/${campaign.campaign_id}`;
    if (act === "speed") {
      await this.#send("PATCH", address, { max_calls_per_second: Number(rate.value), max_concurrent_calls: Number(calls.value) });
    } else {
      await this.#send("POST", `${address}/${act}`, {});
    }
  }

  async acknowledge(alertId: number): Promise<void> {
    await this.#send("POST", `/v1/alerts/${alertId}/acknowledge`, {});
  }

  async #send(method: string, address: string, body: object): Promise<void> {
    try {
      const response = await fetch(address, {
        method,
        headers: {
          Accept: "application/json",
          "Accept-Language": this.data.language,
          "Content-Type": "application/json",
          "Idempotency-Key": crypto.randomUUID?.() ?? String(Math.random()),
        },
        ...(method === "PATCH" ? { body: JSON.stringify(body) } : {}),
      });
      if (response.ok) {
        this.onProblem("");
        return;
      }
      const problem = (await response.json()) as { title?: string; detail?: string };
      this.onProblem(`${problem.title ?? response.status}. ${problem.detail ?? ""}`);
    } catch {
      this.onProblem(this.data.texts["failed"] ?? "");
    }
  }
}
