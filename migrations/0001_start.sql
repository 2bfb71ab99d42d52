-- Times are epoch milliseconds. One text for SQLite and PostgreSQL.
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE app_user (
    id TEXT PRIMARY KEY,
    login TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE session (
    id TEXT PRIMARY KEY,
    user_id TEXT REFERENCES app_user (id) ON DELETE CASCADE,
    data TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX session_by_user ON session (user_id);
CREATE INDEX session_by_expiry ON session (expires_at);

CREATE TABLE program_group (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE program (
    id TEXT PRIMARY KEY,
    group_id TEXT NOT NULL REFERENCES program_group (id),
    name TEXT NOT NULL,
    platform TEXT NOT NULL,
    app_id TEXT NOT NULL,
    repo_url TEXT NOT NULL,
    default_ref TEXT NOT NULL,
    root_dir TEXT NOT NULL,
    install_command TEXT NOT NULL,
    build_command TEXT NOT NULL,
    dev_build_command TEXT NOT NULL,
    output_dir TEXT NOT NULL,
    options TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (group_id, name)
);

CREATE TABLE credential (
    program_id TEXT PRIMARY KEY REFERENCES program (id) ON DELETE CASCADE,
    sealed BYTEA NOT NULL,
    fingerprint TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE release (
    id TEXT PRIMARY KEY,
    program_id TEXT NOT NULL REFERENCES program (id),
    action TEXT NOT NULL,
    reference TEXT NOT NULL,
    version TEXT NOT NULL,
    description TEXT NOT NULL,
    environment TEXT NOT NULL,
    page_path TEXT NOT NULL,
    query TEXT NOT NULL,
    scene TEXT NOT NULL,
    options TEXT NOT NULL,
    status TEXT NOT NULL,
    stage TEXT,
    attempt BIGINT NOT NULL,
    dispatched_at BIGINT,
    lease_until BIGINT,
    runner TEXT,
    cancel_requested BOOLEAN NOT NULL,
    retry_of TEXT,
    idempotency_key TEXT,
    commit_id TEXT,
    commit_subject TEXT,
    failure TEXT,
    receipt TEXT,
    sizes TEXT NOT NULL,
    qr_key TEXT,
    qr_expires_at BIGINT,
    requested_by TEXT NOT NULL REFERENCES app_user (id),
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT
);
CREATE INDEX release_by_program ON release (program_id, created_at);
CREATE INDEX release_by_status ON release (status, created_at);
-- One running release per program is a rule of the database, not a hope.
CREATE UNIQUE INDEX release_one_active ON release (program_id) WHERE dispatched_at IS NOT NULL AND finished_at IS NULL;
CREATE UNIQUE INDEX release_idempotency ON release (requested_by, program_id, idempotency_key);

CREATE TABLE stage (
    release_id TEXT NOT NULL REFERENCES release (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    PRIMARY KEY (release_id, name)
);

CREATE TABLE log_chunk (
    release_id TEXT NOT NULL REFERENCES release (id) ON DELETE CASCADE,
    first_n BIGINT NOT NULL,
    last_n BIGINT NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (release_id, first_n)
);
