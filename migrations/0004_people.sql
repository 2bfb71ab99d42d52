-- Accounts that come and go, groups not everybody sees, tokens, and who did what.
ALTER TABLE app_user ADD COLUMN disabled_at BIGINT;
-- A deleted person's releases stay theirs; the login is free again.
ALTER TABLE app_user ADD COLUMN deleted_at BIGINT;
ALTER TABLE app_user ADD COLUMN must_change BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE app_user ADD COLUMN lang TEXT NOT NULL DEFAULT '';
ALTER TABLE app_user ADD COLUMN seen_at BIGINT;
-- Who an OpenID provider says this is: issuer, space, subject.
ALTER TABLE app_user ADD COLUMN subject TEXT;
CREATE UNIQUE INDEX app_user_by_subject ON app_user (subject);

ALTER TABLE program_group ADD COLUMN restricted BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE group_member (
    group_id TEXT NOT NULL REFERENCES program_group (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    can_publish BOOLEAN NOT NULL,
    can_publish_updates BOOLEAN NOT NULL,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX group_member_by_user ON group_member (user_id);

-- Who sees what, in one place: an open group everybody, a restricted one its members and all admins.
CREATE VIEW visible_group AS
    SELECT g.id AS group_id, u.id AS user_id
    FROM program_group g CROSS JOIN app_user u
    WHERE g.restricted = FALSE OR u.role IN ('admin', 'owner')
        OR EXISTS (SELECT 1 FROM group_member m WHERE m.group_id = g.id AND m.user_id = u.id);
CREATE VIEW visible_program AS
    SELECT p.id AS program_id, p.group_id AS group_id, v.user_id AS user_id
    FROM program p JOIN visible_group v ON v.group_id = p.group_id;

CREATE TABLE token (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- Of the token: whoever reads this table cannot use it.
    hash TEXT NOT NULL UNIQUE,
    scope TEXT NOT NULL,
    group_id TEXT REFERENCES program_group (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    used_at BIGINT
);
CREATE INDEX token_by_user ON token (user_id);

CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    -- No reference: what somebody did outlives them.
    user_id TEXT,
    user_name TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    target_id TEXT NOT NULL,
    target_name TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_user ON audit (user_id, at);
CREATE INDEX audit_by_action ON audit (action, at);

-- What each runner process last said of itself.
CREATE TABLE runner (
    id TEXT PRIMARY KEY,
    seen_at BIGINT NOT NULL,
    detail TEXT NOT NULL
);
