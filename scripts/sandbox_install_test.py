#!/usr/bin/env python3
"""The installers of sandbox/install/ against vendors that this test plays, over TLS, in containers of the basic image.

What cannot be played is a vendor's signature (AWS, and the repositories of Google and Docker): of those, that a wrong
one is refused. Needs stigmer-sandbox-basic:local."""

import functools
import hashlib
import http.server
import io
import os
import ssl
import subprocess
import tarfile
import tempfile
import threading
import unittest
import zipfile
from pathlib import Path

INSTALL = Path(__file__).resolve().parent.parent / "sandbox" / "install"
IMAGE = "stigmer-sandbox-basic:local"
PROGRAM = b'#!/bin/sh\necho "made by the vendor"\n'
ARCHITECTURE = subprocess.run(["docker", "version", "--format", "{{.Server.Arch}}"], stdout=subprocess.PIPE, text=True,
                              check=True).stdout.strip()
MACHINE = {"amd64": "x86_64", "arm64": "aarch64"}[ARCHITECTURE]
SHORT = {"amd64": "x64", "arm64": "arm64"}[ARCHITECTURE]


def tarball(member: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo(member)
        entry.size, entry.mode = len(PROGRAM), 0o755
        archive.addfile(entry, io.BytesIO(PROGRAM))
    return packed.getvalue()


def zipped(member: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo(member), PROGRAM)
    return packed.getvalue()


def sums(digest: str, name: str) -> str:
    return f"{'0' * 64}  other-{name}\n{digest}  {name}\n"


# For each tool: where its file is below the vendor's address, the file, where its digest is, how it is written there.
A = ARCHITECTURE
LAYOUTS = {
    "kubectl": (f"v1/bin/linux/{A}/kubectl", PROGRAM, f"v1/bin/linux/{A}/kubectl.sha256", lambda d, n: d),
    "helm": (f"helm-v1-linux-{A}.tar.gz", tarball(f"linux-{A}/helm"), f"helm-v1-linux-{A}.tar.gz.sha256sum",
             lambda d, n: f"{d}  {n}\n"),
    "k9s": (f"v1/k9s_Linux_{A}.tar.gz", tarball("k9s"), "v1/checksums.sha256", sums),
    "terraform": (f"1/terraform_1_linux_{A}.zip", zipped("terraform"), "1/terraform_1_SHA256SUMS", sums),
    "pulumi": (f"pulumi-v1-linux-{SHORT}.tar.gz", tarball("pulumi/pulumi"), "pulumi-1-checksums.txt", sums),
    "tkn": (f"v1/tkn_1_Linux_{MACHINE}.tar.gz", tarball("tkn"), "v1/checksums.txt", sums),
    "gh": (f"v1/gh_1_linux_{A}.tar.gz", tarball(f"gh_1_linux_{A}/bin/gh"), "v1/gh_1_checksums.txt", sums),
    "yq": (f"v1/yq_linux_{A}", PROGRAM, "v1/checksums-bsd",
           lambda d, n: f"SHA1 ({n}) = {'1' * 40}\nSHA3-256 ({n}) = {'2' * 64}\nSHA256 ({n}) = {d}\n"),
}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Installers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        self.site = Path(folder.name) / "site"
        self.site.mkdir()
        certificate, key = Path(folder.name) / "ca.pem", Path(folder.name) / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-days", "2", "-subj", "/CN=vendor", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", str(key), "-out", str(certificate)], check=True, stderr=subprocess.DEVNULL)
        self.certificate = certificate
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        self.https, self.http = self.serve(tls), self.serve(None)

    def serve(self, tls) -> str:
        handler = functools.partial(Quiet, directory=str(self.site))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"

    def offer(self, path: str, content: bytes) -> None:
        target = self.site / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    def publish(self, tool: str, digest: str | None = None) -> str:
        """Offers a tool as its vendor does; with another digest than the true one, if given. Returns the true one."""
        path, content, list_path, form = LAYOUTS[tool]
        true = hashlib.sha256(content).hexdigest()
        self.offer(path, content)
        self.offer(list_path, form(digest or true, Path(path).name).encode())
        return true

    def install(self, tool: str, then: str = "true", url: str | None = None, **settings: str) -> tuple[int, str]:
        name = tool.upper()
        settings = {f"{name}_URL": url or self.https, f"{name}_VERSION": "1", "CURL_CA_BUNDLE": "/ca.pem", **settings}
        done = subprocess.run(
            ["docker", "run", "--rm", "--user", "root", "--network", "host", "--label", "org.stigmer.sandbox-test",
             "--volume", f"{INSTALL}:/install:ro", "--volume", f"{self.certificate}:/ca.pem:ro",
             *(part for key, value in settings.items() for part in ("--env", f"{key}={value}")),
             IMAGE, "bash", "-c", f"bash /install/install.sh {tool} && {then}"],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=120)
        return done.returncode, done.stdout

    def test_each_tool_is_found_where_its_vendor_has_it_and_held_to_the_digest_there(self):
        for tool in LAYOUTS:
            with self.subTest(tool):
                self.publish(tool)
                self.assertEqual(self.install(tool, then=tool), (0, "made by the vendor\n"))

    def test_a_file_with_another_digest_ends_the_build_also_where_tools_may_be_skipped(self):
        for tool in LAYOUTS:
            with self.subTest(tool):
                self.publish(tool, digest="f" * 64)
                status, said = self.install(tool, TOOLS_FROM="skip-unavailable")
                self.assertEqual(status, 1, said)
                self.assertIn(f"error: {tool} could not be installed", said)
                self.assertNotIn("SKIPPED", said)

    def test_a_given_digest_is_what_counts(self):
        true = self.publish("helm", digest="f" * 64)
        self.assertEqual(self.install("helm", HELM_SHA256=true)[0], 0)
        self.publish("helm")
        self.assertEqual(self.install("helm", HELM_SHA256="f" * 64)[0], 1)

    def test_a_list_without_the_file_ends_the_build(self):
        self.publish("k9s")
        self.offer("v1/checksums.sha256", f"{'a' * 64}  k9s_Linux_riscv64.tar.gz\n".encode())
        status, said = self.install("k9s", TOOLS_FROM="skip-unavailable")
        self.assertEqual(status, 1, said)
        self.assertIn(f"the vendor's list has no digest of k9s_Linux_{ARCHITECTURE}.tar.gz", said)

    def test_a_digest_that_comes_over_plain_http_is_not_believed(self):
        true = self.publish("helm")
        status, said = self.install("helm", url=self.http)
        self.assertEqual(status, 1)
        self.assertIn("is not https: give the digest", said)
        self.assertEqual(self.install("helm", url=self.http, HELM_SHA256=true)[0], 0)

    def test_a_vendor_that_is_away_ends_the_build_with_the_name_of_the_tool(self):
        status, said = self.install("terraform")
        self.assertEqual(status, 1)
        self.assertIn("could not be fetched", said)
        self.assertIn("error: terraform could not be installed", said)

    def test_a_vendor_that_is_away_is_skipped_by_name_and_noted_in_the_image(self):
        status, said = self.install("terraform", "cat /usr/local/share/stigmer/skipped", TOOLS_FROM="skip-unavailable")
        self.assertEqual(status, 0, said)
        lines = said.splitlines()
        self.assertRegex(lines[0], r"^SKIPPED: terraform: https://\S+ could not be fetched: ")
        self.assertEqual(lines[1], lines[0].removeprefix("SKIPPED: "))

    def test_a_wrong_word_for_where_tools_come_from_is_refused(self):
        status, said = self.install("helm", TOOLS_FROM="anywhere")
        self.assertEqual(status, 1)
        self.assertIn("`anywhere`", said)

    def test_the_key_of_a_repository_must_be_the_known_one(self):
        self.offer("gpg", b"no key at all")
        status, said = self.install("docker", TOOLS_FROM="skip-unavailable")
        self.assertEqual(status, 1, said)
        self.assertIn("gpg has no key 9DC858229FC7DD38854AE2D88D81803C0EBFCD88", said)

    def test_an_archive_of_aws_must_be_signed_by_aws(self):
        name = f"awscli-exe-linux-{MACHINE}-1.zip"
        self.offer(name, zipped("aws/install"))
        self.offer(f"{name}.sig", b"no signature at all")
        status, said = self.install("aws", TOOLS_FROM="skip-unavailable")
        self.assertEqual(status, 1, said)
        self.assertIn(f"{name} is not signed by AWS", said)


if __name__ == "__main__":
    unittest.main()
