-- What phones may get. `package` (JSON) or `link`, or neither: a native build that is known and never offered.
CREATE TABLE app_update (
    id TEXT PRIMARY KEY,
    program_id TEXT NOT NULL REFERENCES program (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    version TEXT NOT NULL,
    version_code BIGINT NOT NULL,
    channel TEXT NOT NULL,
    min_native BIGINT,
    max_native BIGINT,
    mode TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    package TEXT,
    link TEXT,
    embedded_wgt_code BIGINT,
    changelog TEXT NOT NULL,
    remark TEXT NOT NULL,
    release_id TEXT REFERENCES release (id) ON DELETE SET NULL,
    created_by TEXT NOT NULL REFERENCES app_user (id),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (program_id, kind, channel, version_code)
);
CREATE INDEX app_update_by_release ON app_update (release_id);

-- What a person decided about the update that a release makes (JSON); absent where it makes none.
ALTER TABLE release ADD COLUMN terms TEXT;
