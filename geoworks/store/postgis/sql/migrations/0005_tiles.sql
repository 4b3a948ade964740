-- What a vector tile draws of a feature stands beside it, made by the server from what is written: so a tile reads
-- neither the JSON nor the degrees of what is in it, and to find the worst of many it reads an index alone.
-- What stands is written anew for it, once: some seconds for each hundred thousand features.

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

-- A place on the grid of a tile, of 4096 units a side; `part` is what of it lies in the tile or near, `extent` is around all
-- of it. What is smaller than 16 units (a pixel of 256 a side) is drawn as a point; all else is simplified, for which no
-- vertex may lie further off than `tolerance`, in metres; 0 to leave it. What collapses nevertheless is drawn as a line of
-- its length, or as a point.
CREATE FUNCTION on_grid(
    part geometry, extent box, square box2d, unit double precision, tolerance double precision
) RETURNS geometry
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN greatest(width(extent), height(extent)) < 16 * unit
        THEN ST_AsMVTGeom(center(extent)::geometry, square, 4096, 64)
    ELSE coalesce(
        ST_AsMVTGeom(CASE WHEN tolerance > 0 THEN ST_Simplify(part, tolerance, true) ELSE part END, square, 4096, 64),
        ST_AsMVTGeom(ST_LongestLine(part, part), square, 4096, 64),
        ST_AsMVTGeom(ST_Centroid(part), square, 4096, 64)
    )
END;

ALTER TABLE features
-- Null where the public does not see it, else when its turn comes where a tile is full, the worst first.
ADD COLUMN tile_rank smallint,
-- The title of a works, which is drawn from close by.
ADD COLUMN tile_title text,
-- Its other attributes in a tile; no word of a citizen.
ADD COLUMN tile_tags jsonb,
-- Its place on the map, and the rectangle around it.
ADD COLUMN tile_shape geometry(Geometry, 3857),
ADD COLUMN tile_extent box;

-- A trigger, not generated columns: what makes those the server reads, and gets ready for, anew in each statement, which
-- took twice as long as to write one feature. Whatever the search path of who writes is, the names in it hold.
CREATE FUNCTION draw() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.tile_rank := CASE NEW.kind
        WHEN 'works' THEN
            CASE
                WHEN NEW.derived ->> 'status' NOT IN ('completed', 'cancelled')
                AND coalesce(
                    CASE WHEN NEW.overlay ? 'visibility' THEN NEW.overlay ELSE NEW.given END ->> 'visibility', 'public'
                ) = 'public'
                THEN coalesce(array_position('{blocked,high,medium,low}'::text[], NEW.derived ->> 'severity'), 5)
            END
        WHEN 'report' THEN
            CASE WHEN NEW.given ->> 'status' NOT IN ('resolved', 'refused', 'withdrawn') THEN 1 END
        WHEN 'zone' THEN
            coalesce(array_position('{blocked,heavy,disturbed,light}'::text[], NEW.derived ->> 'level'), 5)
    END;
    NEW.tile_title := CASE NEW.kind
        WHEN 'works' THEN coalesce(NEW.overlay ->> 'title', NEW.given ->> 'title')
    END;
    NEW.tile_tags := CASE NEW.kind
        WHEN 'works' THEN
            jsonb_object(
                '{id,status,severity}', ARRAY[NEW.id, NEW.derived ->> 'status', NEW.derived ->> 'severity']
            )
        WHEN 'report' THEN
            jsonb_object('{id,category,status}', ARRAY[NEW.id, NEW.given ->> 'category', NEW.given ->> 'status'])
            || CASE WHEN (NEW.given ->> 'released')::boolean THEN '{"released": true}' ELSE '{"released": false}' END::jsonb
        WHEN 'zone' THEN
            jsonb_object('{id,name,level}', ARRAY[NEW.id, NEW.given ->> 'name', NEW.derived ->> 'level'])
    END;
    -- What stays in its place is drawn there already, but for what stood before there were tiles.
    IF TG_OP = 'INSERT' OR NEW.tile_shape IS NULL OR NEW.geometry::bytea <> OLD.geometry::bytea THEN
        NEW.tile_shape := geoworks.on_map(NEW.geometry);
        NEW.tile_extent := NEW.tile_shape::box;
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER draw BEFORE INSERT OR UPDATE ON features FOR EACH ROW EXECUTE FUNCTION draw();

UPDATE features SET kind = kind;

CREATE INDEX tile_ranks ON features (kind, tile_rank, number) INCLUDE (tile_extent) WHERE tile_rank IS NOT NULL;
