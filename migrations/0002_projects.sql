-- What a program's builds may use beyond its commands; absent keys mean the instance's defaults.
ALTER TABLE program ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
ALTER TABLE program ADD COLUMN archived_at BIGINT;
ALTER TABLE release ADD COLUMN remark TEXT NOT NULL DEFAULT '';
ALTER TABLE release ADD COLUMN without_lockfile BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE repository_credential (
    program_id TEXT PRIMARY KEY REFERENCES program (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    fingerprint TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- SSH host keys as first seen, for the whole instance.
CREATE TABLE known_host (
    host TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    seen_at BIGINT NOT NULL
);

-- One uploader slot per branch of an app, so that two branches never replace each other's package.
CREATE TABLE robot_lease (
    platform TEXT NOT NULL,
    app_id TEXT NOT NULL,
    reference TEXT NOT NULL,
    robot BIGINT NOT NULL,
    program_id TEXT NOT NULL REFERENCES program (id) ON DELETE CASCADE,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (platform, app_id, reference),
    UNIQUE (platform, app_id, robot)
);

-- Installed dependencies and build caches on the runner's disk. A folder without a row is rubbish, and is swept.
CREATE TABLE snapshot (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    repository TEXT NOT NULL,
    program_id TEXT REFERENCES program (id) ON DELETE SET NULL,
    reference TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    files BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL
);
CREATE INDEX snapshot_by_use ON snapshot (used_at);
