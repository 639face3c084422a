// Every page loads this: htmx for what the server renders, and the live view where there is a campaign.
import "htmx.org";
import { CampaignView } from "./campaign";
import type { PageData } from "./model";

const data = document.querySelector("#campaign-data");
if (data?.textContent) new CampaignView(JSON.parse(data.textContent) as PageData).start();
