-- shards_of_campaigns(campaign_ids) --
SELECT shard_key FROM shards WHERE campaign_id = ANY($1::bigint [])
