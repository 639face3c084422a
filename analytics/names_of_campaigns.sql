-- names_of_campaigns(campaign_ids) --
SELECT campaign_id AS id, name FROM campaigns WHERE campaign_id = ANY($1::integer [])
