-- name: tile_share
-- Tell how much of all that the public sees of a kind lies in a rectangle ($2), by a sample.
SELECT coalesce(avg((tile_extent && $2::box)::integer), 0)::double precision
FROM features
WHERE number = ANY (ARRAY(
    SELECT low + (high - low) * step / 64
    FROM (SELECT min(number) AS low, max(number) AS high FROM features) AS numbers
    CROSS JOIN generate_series(0, 64) AS step
))
AND kind = $1 AND tile_rank IS NOT NULL;

-- name: tile_count
-- Count all that the public sees of a kind in a rectangle ($2).
SELECT count(*) AS found FROM features WHERE kind = $1 AND tile_rank IS NOT NULL AND tile_extent && $2;

-- name: tile_near
-- Make a vector tile of all that the public sees of a kind, with what holds, by the indexes of places.
-- $2 is the layer's name; $3 and $4 are the tile without and with what is drawn around it, in metres of Web Mercator;
-- $5 is a unit of its grid and $6 how far simplifying may go (`on_grid`), $7 whether titles are drawn, $8 the most
-- features, $9 what is $4 in degrees. Where one more than the most is found, the tile is none. One statement sees one
-- moment, so the tile is as it was at the offset that comes with it.
SELECT epoch, last, found, body
FROM head
CROSS JOIN (
    SELECT count(*) AS found, ST_AsMVT(drawn, $2::text, 4096, 'shape') AS body
    FROM (
        SELECT
            tile_tags,
            CASE WHEN $7::boolean THEN tile_title END AS title,
            on_grid(part, tile_extent, square, $5::double precision, $6::double precision) AS shape
        FROM (
            SELECT
                tile_tags,
                tile_title,
                tile_extent,
                CASE
                    WHEN tile_extent <@ $4::box THEN tile_shape
                    ELSE ST_ClipByBox2D(tile_shape, (SELECT polygon($4)::geometry::box2d))
                END AS part,
                (SELECT polygon($3::box)::geometry::box2d) AS square
            FROM (
                -- The bound of each has the planner read by the index alone: sorting what it tells by pages first takes
                -- longer, and helps only where they come from a disk that turns.
                (
                    SELECT tile_tags, tile_title, tile_extent, tile_shape
                    FROM features
                    WHERE $1::text = 'works' AND kind = 'works' AND tile_rank IS NOT NULL
                    AND geometry && ST_SetSRID(polygon($9::box)::geometry, 4326)
                    LIMIT $8::integer + 1
                )
                UNION ALL
                (
                    SELECT tile_tags, tile_title, tile_extent, tile_shape
                    FROM features
                    WHERE $1 = 'report' AND kind = 'report' AND tile_rank IS NOT NULL
                    AND geometry && ST_SetSRID(polygon($9)::geometry, 4326)
                    LIMIT $8 + 1
                )
                UNION ALL
                (
                    SELECT tile_tags, tile_title, tile_extent, tile_shape
                    FROM features
                    WHERE $1 = 'zone' AND kind = 'zone' AND tile_rank IS NOT NULL
                    AND geometry && ST_SetSRID(polygon($9)::geometry, 4326)
                    LIMIT $8 + 1
                )
            ) AS near
            -- Keeps the planner from writing the clipping everywhere it is used.
            OFFSET 0
        ) AS inside
    ) AS drawn
) AS made;

-- name: tile_far
-- Make a vector tile of what the public sees of a kind, the worst of it up to $8 features, by the index on rank.
-- As `tile_near`, but for $9: whether most of what the index tells is in the tile. Then each is looked at in its turn,
-- else those that are chosen.
SELECT
    epoch,
    last,
    (
        SELECT ST_AsMVT(drawn, $2::text, 4096, 'shape')
        FROM (
            SELECT
                tile_tags,
                CASE WHEN $7::boolean THEN tile_title END AS title,
                on_grid(part, tile_extent, square, $5::double precision, $6::double precision) AS shape
            FROM (
                SELECT
                    tile_tags,
                    tile_title,
                    tile_extent,
                    CASE
                        WHEN tile_extent <@ $4::box THEN tile_shape
                        ELSE ST_ClipByBox2D(tile_shape, (SELECT polygon($4)::geometry::box2d))
                    END AS part,
                    (SELECT polygon($3::box)::geometry::box2d) AS square
                FROM (
                    (
                        SELECT tile_tags, tile_title, tile_extent, tile_shape
                        FROM features
                        WHERE $9::boolean AND kind = $1::text AND tile_rank IS NOT NULL AND tile_extent && $4
                        ORDER BY tile_rank, number
                        LIMIT $8::integer
                    )
                    UNION ALL
                    SELECT tile_tags, tile_title, tile_extent, tile_shape
                    FROM features
                    WHERE number = ANY (ARRAY(
                        SELECT number
                        FROM features
                        WHERE NOT $9 AND kind = $1 AND tile_rank IS NOT NULL AND tile_extent && $4
                        ORDER BY tile_rank, number
                        LIMIT $8
                    ))
                ) AS chosen
                OFFSET 0
            ) AS inside
        ) AS drawn
    ) AS body
FROM head;
