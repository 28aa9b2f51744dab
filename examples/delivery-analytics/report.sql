-- How the carriers of all kept trackings perform. Read-only; see the table of views in
-- host-harness/state-sqlite/src/schema.rs.
SELECT
    data ->> '$.slug' AS carrier,
    count(*) AS parcels,
    sum(data ->> '$.tag' = 'Delivered') AS delivered,
    round(avg(CASE WHEN data ->> '$.tag' = 'Delivered' THEN data ->> '$.transit_time' END), 1)
        AS days,
    printf('%.0f %%', 100.0 * sum(data ->> '$.tag' IN ('Exception', 'AttemptFail', 'Expired'))
        / count(*)) AS trouble,
    -- Of those that arrived and had a date.
    printf('%.0f %%', 100.0 * sum(data ->> '$.on_time_status' IN ('early', 'on-time'))
        / nullif(sum(data ->> '$.on_time_status' IN ('early', 'on-time', 'late')), 0)) AS on_time
FROM records
WHERE object = 'trackings' AND state = 'live'
GROUP BY carrier
ORDER BY parcels DESC, carrier
LIMIT 10;
