-- What a vector tile draws of a feature stands beside it, made by the server from what is written: so a tile reads
-- neither the JSON nor the degrees of what is in it, and to find the worst of many it reads an index alone.
-- A table is written anew for it, once: some seconds for each hundred thousand features.

-- A place of degrees in Web Mercator (EPSG:3857), which ends at 85.06 degrees north and south.
CREATE FUNCTION on_map(place geometry) RETURNS geometry
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ST_Transform(
    CASE
        WHEN place @ ST_MakeEnvelope(-180, -85.06, 180, 85.06, 4326) THEN place
        ELSE ST_ClipByBox2D(place, ST_MakeEnvelope(-180, -85.06, 180, 85.06, 4326))
    END,
    3857
);

ALTER TABLE features
-- Null where the public does not see it, else when its turn comes where a tile is full, the worst first.
ADD COLUMN tile_rank smallint GENERATED ALWAYS AS (
    CASE kind
        WHEN 'works' THEN
            CASE
                WHEN derived ->> 'status' NOT IN ('completed', 'cancelled')
                AND coalesce(CASE WHEN overlay ? 'visibility' THEN overlay ELSE given END ->> 'visibility', 'public')
                = 'public'
                THEN coalesce(array_position('{blocked,high,medium,low}'::text[], derived ->> 'severity'), 5)
            END
        WHEN 'report' THEN
            CASE WHEN given ->> 'status' NOT IN ('resolved', 'refused', 'withdrawn') THEN 1 END
        WHEN 'zone' THEN coalesce(array_position('{blocked,heavy,disturbed,light}'::text[], derived ->> 'level'), 5)
    END
) STORED,
-- The title of a works, which is drawn from close by.
ADD COLUMN tile_title text GENERATED ALWAYS AS (
    CASE kind WHEN 'works' THEN coalesce(overlay ->> 'title', given ->> 'title') END
) STORED,
-- Its other attributes in a tile; no word of a citizen.
ADD COLUMN tile_tags jsonb GENERATED ALWAYS AS (
    CASE kind
        WHEN 'works' THEN
            jsonb_object('{id,status,severity}', ARRAY[id, derived ->> 'status', derived ->> 'severity'])
        WHEN 'report' THEN
            jsonb_object('{id,category,status}', ARRAY[id, given ->> 'category', given ->> 'status'])
            || CASE WHEN (given ->> 'released')::boolean THEN '{"released": true}' ELSE '{"released": false}' END::jsonb
        WHEN 'zone' THEN jsonb_object('{id,name,level}', ARRAY[id, given ->> 'name', derived ->> 'level'])
    END
) STORED,
-- Its place on the map, and the rectangle around it.
ADD COLUMN tile_shape geometry(Geometry, 3857) GENERATED ALWAYS AS (on_map(geometry)) STORED,
ADD COLUMN tile_extent box GENERATED ALWAYS AS (box(on_map(geometry))) STORED;

CREATE INDEX tile_ranks ON features (kind, tile_rank, number) INCLUDE (tile_extent) WHERE tile_rank IS NOT NULL;
