//! What a sandbox may not do, and what it sees of this machine.

use std::path::Path;

use stigmer_engine::spec::{Mount, Sandbox};

use crate::yard::{Yard, facts, fresh, ran, refused, succeeds};

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_has_no_rights_and_gets_none() {
    let yard = Yard::new();
    let engine = yard.open().await;
    let (_, said) = succeeds(&engine, yard.line("cat /proc/self/status /proc/1/status")).await;
    let values = |name: &str| -> Vec<_> {
        let lines = said.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        lines.map(|value| value.trim().to_owned()).collect()
    };
    for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(values(name), ["0000000000000000"; 2], "{name}");
    }
    assert_eq!((values("NoNewPrivs"), values("Seccomp")), (vec!["1".to_owned(); 2], vec!["2".to_owned(); 2]));
    let line = "find / -xdev -name '*.sock' 2>/dev/null; mount -t tmpfs none /mnt 2>&1; mknod /tmp/x b 8 0 2>&1; \
        ls /dev/sda /dev/kmsg 2>&1; echo >/proc/sys/kernel/hostname; chown 1000 /tmp 2>&1; true";
    let (_, said) = ran(&engine, yard.line(line)).await;
    assert!(!said.contains("docker.sock") && said.contains("denied") | said.contains("permitted"), "{said}");
    let (_, said) = succeeds(&engine, yard.line("cd /run/stigmer && ls . shared")).await;
    assert!(
        said.lines().all(|name| [".:", "runner", "shared", "", "shared:", "socket", "home"].contains(&name)),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_cannot_change_the_runner_nor_reach_beyond_its_folders() {
    let yard = Yard::new();
    let engine = yard.open().await;
    std::fs::write(yard.home.root().join("secret"), "secret").unwrap();
    std::os::unix::fs::symlink(yard.home.root().join("secret"), yard.workspace.join("link")).unwrap();
    let line =
        "echo x >/run/stigmer/runner && exit 1; rm -f /run/stigmer/runner && exit 2; cat link && exit 3;
        ls /run/stigmer/.. | grep -v stigmer && exit 4; true";
    let (_, said) = succeeds(&engine, yard.line(line)).await;
    assert!(!said.contains("secret\n"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_only_reads_writes_to_the_workspace_and_temporary_folders() {
    let yard = Yard::with("read_only: true");
    let engine = yard.open().await;
    let line = "echo >here && echo >/tmp/there && echo >/var/tmp/there && echo >~/home && ! echo >/etc/there \
        && ! echo >/bin/there";
    succeeds(&engine, yard.line(line)).await;
    assert!(yard.workspace.join("here").exists());
}

fn mounts(mounts: &[(&Path, &str, bool)]) -> Sandbox {
    let mount = |&(source, target, read_only): &(&Path, &str, bool)| Mount {
        source: source.to_owned(),
        target: target.to_owned(),
        read_only,
    };
    Sandbox { mounts: mounts.iter().map(mount).collect(), ..Sandbox::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn mounts_are_read_or_written_as_they_say() {
    let yard = Yard::new();
    let engine = yard.open().await;
    let place = tempfile::tempdir().unwrap();
    let place = place.path().canonicalize().unwrap();
    for name in ["read", "written"] {
        std::fs::create_dir(place.join(name)).unwrap();
        std::fs::write(place.join(name).join("given"), name).unwrap();
    }
    std::fs::write(place.join("file, with 'signs': ü"), "file").unwrap();
    let file = place.join("file, with 'signs': ü");
    let sandbox = mounts(&[
        (&place.join("read"), "/read", true),
        (&place.join("written"), "/data/written", false),
        (&file, "/data/file", true),
    ]);
    let line = "cat /read/given /data/written/given /data/file; echo >/data/written/made; ! echo >/read/made";
    let (record, said) = succeeds(&engine, yard.within(sandbox, line)).await;
    assert!(said.starts_with("readwrittenfile"), "{said}");
    assert!(place.join("written/made").exists() && !place.join("read/made").exists());
    let loosened = facts(&record).loosened.iter().filter(|said| said.contains("/.tmp"));
    assert_eq!(loosened.count(), 3, "{:?}", facts(&record).loosened);
}

#[tokio::test(flavor = "multi_thread")]
async fn mounts_that_cannot_be_are_refused_before_there_is_a_run_or_by_their_name() {
    let yard = Yard::new();
    let engine = yard.open().await;
    let place = tempfile::tempdir().unwrap();
    for sandbox in [
        mounts(&[(Path::new("/var/run/docker.sock"), "/x", false)]),
        mounts(&[(Path::new("/"), "/x", true)]),
        mounts(&[(yard.home.root(), "/x", true)]),
        mounts(&[(Path::new("/no/such"), "/x", true)]),
        mounts(&[(place.path(), "/x/../../etc", true)]),
        // What is ours there.
        mounts(&[(place.path(), "/run/stigmer", false)]),
        mounts(&[(place.path(), "/run/stigmer/runner", false)]),
        mounts(&[(place.path(), "/workspace", false)]),
        mounts(&[(place.path(), "/workspace/", false)]),
        mounts(&[(place.path(), "/run", false)]),
        mounts(&[(place.path(), "/proc", false)]),
        mounts(&[(place.path(), "/x", false), (place.path(), "/x", true)]),
    ] {
        let shown = format!("{:?}", sandbox.mounts);
        let error = refused(&engine, yard.within(Sandbox { ..sandbox }, "true")).await;
        assert_eq!(
            (error.code.as_str(), error.hint.is_some()),
            ("mount-unusable", true),
            "{shown} {error:?}"
        );
    }
    assert_eq!(yard.containers(), Vec::<String>::new());
    // Inside the workspace something may be put over another folder.
    std::fs::create_dir(yard.workspace.join("cache")).unwrap();
    let sandbox = Sandbox { ..mounts(&[(place.path(), "/workspace/cache", false)]) };
    succeeds(&engine, yard.within(Sandbox { fresh: fresh().fresh, ..sandbox }, "echo >cache/made")).await;
    assert!(place.path().join("made").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_data_is_not_seen_in_a_workspace_that_has_it() {
    let yard = Yard::new();
    let engine = yard.open().await;
    let mut spec = yard.line("ls; ls -A home && cat home/config.yaml");
    spec.workspace = yard.home.root().parent().unwrap().to_owned();
    let (record, said) = ran(&engine, spec).await;
    assert_eq!(record.state.word(), "failed", "{said}");
    assert!(said.contains("home\n") && !said.contains("mode: sandbox"), "{said}");
}
