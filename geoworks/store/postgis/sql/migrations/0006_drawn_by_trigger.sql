-- The server reads what makes a generated column, and gets ready for it, anew in each statement, which took twice as
-- long as to write one feature. What a trigger runs stays ready for the session. The columns keep what they hold.

ALTER TABLE features
ALTER COLUMN tile_rank DROP EXPRESSION,
ALTER COLUMN tile_title DROP EXPRESSION,
ALTER COLUMN tile_tags DROP EXPRESSION,
ALTER COLUMN tile_shape DROP EXPRESSION,
ALTER COLUMN tile_extent DROP EXPRESSION;

-- Whatever the search path of who writes is, its names hold.
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
    -- What stays in its place is drawn there already.
    IF TG_OP = 'INSERT' OR NEW.geometry::bytea <> OLD.geometry::bytea THEN
        NEW.tile_shape := geoworks.on_map(NEW.geometry);
        NEW.tile_extent := NEW.tile_shape::box;
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER draw BEFORE INSERT OR UPDATE ON features FOR EACH ROW EXECUTE FUNCTION draw();
