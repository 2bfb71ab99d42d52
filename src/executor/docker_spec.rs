//! RunSpec → what the engine's API takes. Pure, so that the hardening can be tested without an engine.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{
    ContainerCreateBody, HostConfig, HostConfigLogConfig, Mount as EngineMount, MountType, MountVolumeOptions,
    MountVolumeOptionsDriverConfig, ResourcesUlimits,
};

use super::{Mount, Network, RunSpec, Source};

pub(super) fn body(spec: &RunSpec) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(spec.image.clone()),
        entrypoint: Some(vec![]),
        cmd: Some(spec.command.clone()),
        env: Some(spec.env.iter().map(|(k, v)| format!("{k}={v}")).collect()),
        working_dir: Some(spec.workdir.clone()),
        user: Some(format!("{}:{}", spec.user.0, spec.user.1)),
        labels: Some(spec.labels.clone().into_iter().collect()),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        host_config: Some(host_config(spec)),
        ..Default::default()
    }
}

fn host_config(spec: &RunSpec) -> HostConfig {
    let mounts = spec.mounts.iter().map(|mount| engine_mount(mount, &spec.labels));
    let network = match spec.network {
        Network::None => "none",
        Network::Registry | Network::Vendor => "bridge",
    };
    let hosts = if spec.network == Network::Vendor { spec.extra_hosts.clone() } else { vec![] };
    HostConfig {
        mounts: Some(mounts.collect()),
        tmpfs: Some(HashMap::from([("/tmp".to_owned(), format!("rw,nosuid,nodev,exec,mode=1777,size={}", spec.tmp))])),
        network_mode: Some(network.to_owned()),
        extra_hosts: Some(hosts),
        memory: Some(spec.memory),
        // Equal to memory: no swap on top of the limit.
        memory_swap: Some(spec.memory),
        nano_cpus: Some((spec.cpus * 1e9) as i64),
        pids_limit: Some(spec.pids),
        readonly_rootfs: Some(true),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        ulimits: Some(vec![ulimit("core", 0)]),
        init: Some(true),
        auto_remove: Some(false),
        // No size limit here: the engine would drop lines silently. We count bytes ourselves.
        log_config: Some(HostConfigLogConfig { typ: Some("json-file".to_owned()), config: None }),
        ..Default::default()
    }
}

/// A copy-on-write mount is a volume of the engine's own local driver, made and removed with its container.
fn engine_mount(mount: &Mount, labels: &BTreeMap<String, String>) -> EngineMount {
    let target = Some(mount.target.clone());
    match &mount.source {
        Source::Path(path) => EngineMount {
            typ: Some(MountType::BIND),
            source: Some(path.display().to_string()),
            target,
            read_only: Some(mount.read_only),
            ..Default::default()
        },
        Source::Overlay { lower, upper, work } => {
            // An unnamed volume takes no read-only flag of its own.
            let flag = if mount.read_only { "ro," } else { "" };
            let (lower, upper, work) = (lower.display(), upper.display(), work.display());
            let folders = format!("{flag}lowerdir={lower},upperdir={upper},workdir={work}");
            let options = [("type", "overlay"), ("device", "overlay"), ("o", &folders)];
            EngineMount {
                typ: Some(MountType::VOLUME),
                target,
                volume_options: Some(MountVolumeOptions {
                    no_copy: Some(true),
                    labels: Some(labels.clone().into_iter().collect()),
                    driver_config: Some(MountVolumeOptionsDriverConfig {
                        name: Some("local".to_owned()),
                        options: Some(options.map(|(k, v)| (k.to_owned(), v.to_owned())).into()),
                    }),
                    ..Default::default()
                }),
                ..Default::default()
            }
        }
    }
}

fn ulimit(name: &str, value: i64) -> ResourcesUlimits {
    ResourcesUlimits { name: Some(name.to_owned()), soft: Some(value), hard: Some(value) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    fn spec(network: Network) -> RunSpec {
        RunSpec {
            image: "sampan/x".into(),
            command: vec!["true".into()],
            env: [("A".to_owned(), "b c".to_owned())].into(),
            workdir: "/work".into(),
            mounts: vec![Mount::read_only("/data/x", "/project")],
            network,
            extra_hosts: vec!["vendor.example:10.0.0.1".into()],
            user: (1000, 1000),
            memory: 1 << 30,
            cpus: 1.5,
            pids: 256,
            tmp: 1 << 20,
            labels: [("l".to_owned(), "v".to_owned())].into(),
            timeout: Duration::from_secs(1),
            no_output_timeout: Duration::from_secs(1),
            output_limit: 1,
        }
    }

    #[test]
    fn containers_are_hardened_whatever_the_stage() {
        for network in [Network::None, Network::Registry, Network::Vendor] {
            let body = body(&spec(network));
            let host = body.host_config.expect("a host config");
            assert_eq!(body.user.as_deref(), Some("1000:1000"));
            assert_eq!(host.readonly_rootfs, Some(true));
            assert_eq!(host.cap_drop, Some(vec!["ALL".to_owned()]));
            assert_eq!(host.security_opt, Some(vec!["no-new-privileges".to_owned()]));
            assert_eq!(host.memory, host.memory_swap);
            assert_eq!((host.pids_limit, host.nano_cpus), (Some(256), Some(1_500_000_000)));
            assert_eq!(host.privileged, None);
            assert_eq!(host.network_mode.as_deref() == Some("none"), network == Network::None);
            assert_eq!(host.extra_hosts.is_some_and(|h| !h.is_empty()), network == Network::Vendor);
        }
    }
}
