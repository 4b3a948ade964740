-- A works is stored without what holds anyway where nothing is said, which is most of it: the views tell it.
-- Rows from before say all of it; both are read alike.

CREATE OR REPLACE VIEW works AS
SELECT
    number AS fid,
    id,
    shown ->> 'title' AS title,
    coalesce(shown ->> 'description', '') AS description,
    coalesce(shown ->> 'reference', '') AS reference,
    derived ->> 'status' AS status,
    derived ->> 'severity' AS severity,
    coalesce(shown ->> 'visibility', 'public') = 'draft' AS draft,
    (shown -> 'schedule' ->> 'start')::timestamptz AS starts,
    (shown -> 'schedule' ->> 'end')::timestamptz AS ends,
    (shown -> 'schedule' ->> 'actual_start')::timestamptz AS actual_start,
    (shown -> 'schedule' ->> 'actual_end')::timestamptz AS actual_end,
    (shown ->> 'cancelled_at')::timestamptz AS cancelled_at,
    (derived ->> 'next_transition')::timestamptz AS next_transition,
    coalesce(shown -> 'impact' ->> 'vehicle_impact', 'unknown') AS vehicle_impact,
    coalesce(shown -> 'impact' ->> 'parking', 'unknown') AS parking,
    coalesce(shown -> 'impact' ->> 'footway', 'unknown') AS footway,
    coalesce(shown -> 'impact' ->> 'cycleway', 'unknown') AS cycleway,
    (shown -> 'impact' ->> 'speed_limit_kmh')::integer AS speed_limit_kmh,
    coalesce(shown ->> 'promoter', '') AS promoter,
    coalesce(shown ->> 'road_authority', '') AS road_authority,
    listed(shown -> 'road_names') AS road_names,
    listed(shown -> 'types_of_work') AS types_of_work,
    coalesce(shown ->> 'direction', 'unknown') AS direction,
    coalesce(shown ->> 'project', '') AS project,
    listed(jsonb_path_query_array(derived, '$.effects[*].zone')) AS zones,
    overlay IS NOT NULL AS corrected,
    source,
    version,
    created,
    updated,
    geometry
FROM features
-- OFFSET keeps the planner from writing the merge into every column; so it is done once a row, for what is shown.
CROSS JOIN LATERAL (
    SELECT CASE WHEN overlay IS NULL THEN given ELSE merge_patch(given, overlay) END AS shown OFFSET 0
) AS merged
WHERE kind = 'works';

CREATE OR REPLACE VIEW effects AS
SELECT
    features.number * 65536 + effect.ordinality AS fid,
    features.id AS works,
    shown ->> 'title' AS title,
    effect.value ->> 'zone' AS zone,
    (effect.value ->> 'share')::double precision AS share,
    (effect.value ->> 'length_m')::double precision AS length_m,
    (effect.value ->> 'area_m2')::double precision AS area_m2,
    features.derived ->> 'status' AS status,
    features.derived ->> 'severity' AS severity,
    coalesce(shown ->> 'visibility', 'public') = 'draft' AS draft,
    features.geometry
FROM features
CROSS JOIN LATERAL (
    SELECT CASE WHEN overlay IS NULL THEN given ELSE merge_patch(given, overlay) END AS shown OFFSET 0
) AS merged
CROSS JOIN LATERAL jsonb_array_elements(features.derived -> 'effects') WITH ORDINALITY AS effect (value, ordinality)
WHERE features.kind = 'works';
