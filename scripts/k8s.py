"""Checks rendered manifests (standard input): every field against a Kubernetes version's schema, then what the pod relies on.

scripts/k8s.sh says how to call it: k8s.py KUBERNETES_VERSION SAMPAN_VERSION ROUTES, the last being the file with the URL table.
"""

import re
import sys

import kubernetes_validate
import yaml

kubernetes, version, routes = sys.argv[1:]
objects = list(yaml.safe_load_all(sys.stdin))
wrong = []


def hold(fact, otherwise):
    if not fact:
        wrong.append(otherwise)


for thing in objects:
    name = f"{thing['kind']}/{thing['metadata']['name']}"
    try:
        kubernetes_validate.validate(thing, kubernetes, strict=True)
    except kubernetes_validate.ValidationError as error:
        wrong.append(f"{name}: {'.'.join(map(str, error.path))}: {error.message}")
    except kubernetes_validate.SchemaNotFoundError as error:
        wrong.append(f"{name}: {error.message}")
    hold(thing["kind"] != "Secret", f"{name}: secrets are made by hand, never from a file")
    for image in re.findall(r"'(sampan/[^']*)'", repr(thing)):
        hold(image.endswith(f":{version}"), f"{name}: {image}, but Cargo.toml says {version}")

[sampan] = [thing["spec"] for thing in objects if thing["kind"] == "StatefulSet"]
pod = sampan["template"]["spec"]
containers = {one["name"]: one for one in pod["initContainers"] + pod["containers"]}
server, engine = containers["server"], containers["engine"]
env = {one["name"]: one["value"] for one in server["env"]}
mounts = {name: {m["name"]: m for m in one["volumeMounts"]} for name, one in containers.items()}

hold(sampan["replicas"] == 1, "one server at a time")
hold(pod["automountServiceAccountToken"] is False, "repository code must not meet a cluster's token")
for name, one in containers.items():
    privileged = one["securityContext"].get("privileged", False)
    hold(not privileged or name == "engine", f"{name}: only the engine may be privileged")

confined = {
    "runAsNonRoot": True, "runAsUser": 1000, "runAsGroup": 1000, "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
}
hold(server["securityContext"] == confined, f"server: its securityContext is not {confined}")

# The engine opens the paths that the server names.
for volume, path in {"data": env["SAMPAN_DATA_DIR"], "secrets": "/dev/shm", "socket": "/run/engine"}.items():
    for name in ("server", "engine"):
        mount = mounts[name].get(volume, {})
        hold(mount == {"name": volume, "mountPath": path}, f"{name}: {volume} must be mounted at {path}, whole and writable")
hold(containers["own-data"]["command"][-1] == env["SAMPAN_DATA_DIR"], "own-data: works on another folder than the server")
host = env["DOCKER_HOST"]
hold(host.startswith("unix:///run/engine/"), f"server: DOCKER_HOST={host} is not on the shared volume")
hold(f"--host={host}" in engine["args"], f"engine: does not listen on {host}")
hold(f"--group={confined['runAsGroup']}" in engine["args"], "engine: its socket is not for the server's group")
[secrets] = [volume for volume in pod["volumes"] if volume["name"] == "secrets"]
hold(secrets["emptyDir"].get("medium") == "Memory", "secrets: must never touch a disk")

hold(engine.get("restartPolicy") == "Always" and "startupProbe" in engine, "engine: must start before the server and outlive it")
table = open(routes).read()
for probe, path in {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}.items():
    hold(server.get(probe, {}).get("httpGet", {}).get("path") == path, f"server: {probe} must ask {path}")
    hold(re.search(rf'\.route\("{path}"', table), f"{routes}: no route {path}")

for line in wrong:
    print(f"k8s: {line}", file=sys.stderr)
sys.exit(bool(wrong))
