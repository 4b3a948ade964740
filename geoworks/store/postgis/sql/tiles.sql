-- name: tile
-- Make a vector tile of what the public sees of a kind, with what holds.
-- $2 $3 $4 are zoom, column and row, $5 is the most features, the worst first, $6 the deepest zoom. One statement sees
-- one moment, so the tile is as it was at the offset that comes with it. A tile has 4096 units a side and 64 around
-- it. What is smaller than 16 units (a pixel of 256 a side) is drawn as a point; all else is simplified to 4 units,
-- but for the deepest zoom, which clients enlarge. What collapses nevertheless is drawn as a line of its length.
-- Shapes are clipped in degrees first, for Web Mercator (EPSG:3857) has no poles.
WITH tile AS MATERIALIZED (
    SELECT
        ST_TileEnvelope($2::integer, $3::integer, $4::integer) AS square,
        -- Not ST_Transform, which turns what lies past 180 degrees to the other side of the world.
        ST_MakeEnvelope(
            greatest(($3::integer - 64 / 4096.0) / 2 ^ $2::integer * 360 - 180, -180),
            degrees(atan(sinh(pi() * (1 - 2 * ($4::integer + 1 + 64 / 4096.0) / 2 ^ $2::integer)))),
            least(($3::integer + 1 + 64 / 4096.0) / 2 ^ $2::integer * 360 - 180, 180),
            degrees(atan(sinh(pi() * (1 - 2 * ($4::integer - 64 / 4096.0) / 2 ^ $2::integer)))),
            4326
        ) AS around,
        40075016.68557849 / 4096 / 2 ^ $2::integer AS unit
),
inside AS MATERIALIZED (
    SELECT number, array_position('{blocked,high,medium,low}'::text[], derived ->> 'severity') AS place
    FROM features
    WHERE $1::text = 'works'
    AND kind = 'works'
    AND geometry && (SELECT around FROM tile)
    AND derived ->> 'status' NOT IN ('completed', 'cancelled')
    AND coalesce(CASE WHEN overlay ? 'visibility' THEN overlay ELSE given END ->> 'visibility', 'public') = 'public'
    UNION ALL
    SELECT number, NULL
    FROM features
    WHERE $1::text = 'report'
    AND kind = 'report'
    AND geometry && (SELECT around FROM tile)
    AND given ->> 'status' NOT IN ('resolved', 'refused', 'withdrawn')
    UNION ALL
    SELECT number, array_position('{blocked,heavy,disturbed,light}'::text[], derived ->> 'level')
    FROM features
    WHERE $1::text = 'zone'
    AND kind = 'zone'
    AND geometry && (SELECT around FROM tile)
),
chosen AS MATERIALIZED (SELECT number FROM inside ORDER BY place, number LIMIT $5::integer),
placed AS MATERIALIZED (
    SELECT
        number,
        ST_Transform(
            CASE WHEN geometry @ around THEN geometry ELSE ST_ClipByBox2D(geometry, around) END, 3857
        ) AS whole
    FROM chosen
    JOIN features USING (number)
    CROSS JOIN tile
),
shaped AS MATERIALIZED (
    SELECT
        number,
        CASE
            WHEN greatest(ST_XMax(whole) - ST_XMin(whole), ST_YMax(whole) - ST_YMin(whole)) < 16 * unit
            THEN ST_Centroid(whole)
            WHEN $2::integer < $6::integer THEN ST_Simplify(whole, 4 * unit, true)
            ELSE whole
        END AS shape
    FROM placed
    CROSS JOIN tile
),
drawn AS MATERIALIZED (
    SELECT
        number,
        coalesce(
            ST_AsMVTGeom(shape, square, 4096, 64), ST_AsMVTGeom(ST_LongestLine(shape, shape), square, 4096, 64)
        ) AS shape
    FROM shaped
    CROSS JOIN tile
)
SELECT
    epoch,
    last,
    (SELECT count(*) FROM inside) - (SELECT count(*) FROM chosen) AS left_out,
    CASE $1::text
        WHEN 'works' THEN (
            SELECT ST_AsMVT(works, 'works', 4096, 'shape')
            FROM (
                SELECT
                    id,
                    CASE WHEN $2::integer >= 12 THEN coalesce(overlay ->> 'title', given ->> 'title') END AS title,
                    derived ->> 'status' AS status,
                    derived ->> 'severity' AS severity,
                    shape
                FROM drawn
                JOIN features USING (number)
            ) AS works
        )
        WHEN 'report' THEN (
            SELECT ST_AsMVT(reports, 'reports', 4096, 'shape')
            FROM (
                SELECT
                    id,
                    given ->> 'category' AS category,
                    given ->> 'status' AS status,
                    (given ->> 'released')::boolean AS released,
                    shape
                FROM drawn
                JOIN features USING (number)
            ) AS reports
        )
        WHEN 'zone' THEN (
            SELECT ST_AsMVT(zones, 'zones', 4096, 'shape')
            FROM (
                SELECT id, given ->> 'name' AS name, derived ->> 'level' AS level, shape
                FROM drawn
                JOIN features USING (number)
            ) AS zones
        )
    END AS body
FROM head;
