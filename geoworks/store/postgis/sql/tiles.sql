-- name: tile
-- Make a vector tile of what the public sees of a kind, with what holds.
-- $2 $3 $4 are zoom, column and row, $5 is the most features, the worst first, $6 the deepest zoom. One statement sees
-- one moment, so the tile is as it was at the offset that comes with it. A tile has 4096 units a side and 64 around
-- it. What is smaller than 16 units (a pixel of 256 a side) is drawn as a point; all else is simplified to 4 units,
-- but for the deepest zoom, which clients enlarge. What collapses nevertheless is drawn as a line of its length, or
-- as a point.
WITH tile AS MATERIALIZED (
    SELECT
        square,
        box(ST_Expand(square, 64 * unit)) AS rim,
        ST_Expand(square, 64 * unit)::box2d AS cut,
        unit,
        -- Not ST_Transform, which turns what lies past 180 degrees to the other side of the world.
        ST_MakeEnvelope(
            greatest(($3::integer - 64 / 4096.0) / 2 ^ $2::integer * 360 - 180, -180),
            degrees(atan(sinh(pi() * (1 - 2 * ($4::integer + 1 + 64 / 4096.0) / 2 ^ $2::integer)))),
            least(($3::integer + 1 + 64 / 4096.0) / 2 ^ $2::integer * 360 - 180, 180),
            degrees(atan(sinh(pi() * (1 - 2 * ($4::integer - 64 / 4096.0) / 2 ^ $2::integer)))),
            4326
        ) AS around
    FROM (
        SELECT
            ST_TileEnvelope($2::integer, $3::integer, $4::integer) AS square,
            40075016.68557849 / 4096 / 2 ^ $2::integer AS unit
    ) AS asked
),
-- How much of all there is lies in the tile, by a sample; from close by it is little.
sample AS MATERIALIZED (
    SELECT CASE WHEN $2::integer < 12 THEN (
        SELECT avg((tile_extent && (SELECT rim FROM tile))::integer)
        FROM features
        WHERE number = ANY (ARRAY(
            SELECT low + (high - low) * step / 64
            FROM (SELECT min(number) AS low, max(number) AS high FROM features) AS numbers
            CROSS JOIN generate_series(0, 64) AS step
        ))
        AND kind = $1 AND tile_rank IS NOT NULL
    ) END AS share
),
-- Where it is little, each feature in the tile is looked at; else the index of ranks is read through, which is less.
way AS MATERIALIZED (
    SELECT coalesce(share, 0) < 1 / 16.0 AS is_near, coalesce(share, 0) > 1 / 2.0 AS is_whole FROM sample
),
near AS MATERIALIZED (
    SELECT tile_rank, number, tile_tags, tile_title, tile_extent, tile_shape
    FROM features
    WHERE $1 = 'works' AND (SELECT is_near FROM way)
    AND kind = 'works' AND tile_rank IS NOT NULL AND geometry && (SELECT around FROM tile)
    UNION ALL
    SELECT tile_rank, number, tile_tags, tile_title, tile_extent, tile_shape
    FROM features
    WHERE $1 = 'report' AND (SELECT is_near FROM way)
    AND kind = 'report' AND tile_rank IS NOT NULL AND geometry && (SELECT around FROM tile)
    UNION ALL
    SELECT tile_rank, number, tile_tags, tile_title, tile_extent, tile_shape
    FROM features
    WHERE $1 = 'zone' AND (SELECT is_near FROM way)
    AND kind = 'zone' AND tile_rank IS NOT NULL AND geometry && (SELECT around FROM tile)
),
chosen AS (
    SELECT tile_tags, tile_title, tile_extent, tile_shape
    FROM near
    WHERE (SELECT count(*) FROM near) <= $5::integer
    UNION ALL
    (
        SELECT tile_tags, tile_title, tile_extent, tile_shape
        FROM near
        WHERE (SELECT count(*) FROM near) > $5::integer
        ORDER BY tile_rank, number
        LIMIT $5::integer
    )
    UNION ALL
    -- Most of what the index tells is inside: each is looked at in its turn.
    (
        SELECT tile_tags, tile_title, tile_extent, tile_shape
        FROM features
        WHERE (SELECT is_whole FROM way)
        AND kind = $1 AND tile_rank IS NOT NULL AND tile_extent && (SELECT rim FROM tile)
        ORDER BY tile_rank, number
        LIMIT $5::integer
    )
    UNION ALL
    SELECT tile_tags, tile_title, tile_extent, tile_shape
    FROM features
    WHERE number = ANY (ARRAY(
        SELECT number
        FROM features
        WHERE (SELECT NOT is_near AND NOT is_whole FROM way)
        AND kind = $1 AND tile_rank IS NOT NULL AND tile_extent && (SELECT rim FROM tile)
        ORDER BY tile_rank, number
        LIMIT $5::integer
    ))
),
clipped AS (
    SELECT
        square,
        unit,
        tile_tags,
        tile_title,
        CASE
            WHEN greatest(width(tile_extent), height(tile_extent)) < 16 * unit THEN center(tile_extent)::geometry
        END AS dot,
        CASE
            WHEN greatest(width(tile_extent), height(tile_extent)) < 16 * unit THEN NULL
            WHEN tile_extent <@ rim THEN tile_shape
            ELSE ST_ClipByBox2D(tile_shape, cut)
        END AS part
    FROM chosen
    CROSS JOIN tile
    -- Keeps the planner from writing the clipping everywhere it is used.
    OFFSET 0
)
SELECT
    epoch,
    last,
    greatest(
        (SELECT count(*) FROM near)
        + (
            SELECT count(*)
            FROM features
            WHERE (SELECT NOT is_near FROM way)
            AND kind = $1 AND tile_rank IS NOT NULL AND tile_extent && (SELECT rim FROM tile)
        )
        - $5::integer,
        0
    ) AS left_out,
    (
        SELECT
            ST_AsMVT(
                drawn,
                CASE $1 WHEN 'works' THEN 'works' WHEN 'report' THEN 'reports' WHEN 'zone' THEN 'zones' END,
                4096,
                'shape'
            )
        FROM (
            SELECT
                tile_tags,
                -- Further out nobody reads titles, and they are most of the bytes.
                CASE WHEN $2::integer >= 12 THEN tile_title END AS title,
                CASE
                    WHEN dot IS NOT NULL THEN ST_AsMVTGeom(dot, square, 4096, 64)
                    ELSE coalesce(
                        ST_AsMVTGeom(
                            CASE WHEN $2::integer < $6::integer THEN ST_Simplify(part, 4 * unit, true) ELSE part END,
                            square, 4096, 64
                        ),
                        ST_AsMVTGeom(ST_LongestLine(part, part), square, 4096, 64),
                        ST_AsMVTGeom(ST_Centroid(part), square, 4096, 64)
                    )
                END AS shape
            FROM clipped
        ) AS drawn
    ) AS body
FROM head;
