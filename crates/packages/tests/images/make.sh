#!/bin/sh
# Makes the sample databases of this folder, and beside each the list that the format's own tool gives of it:
# rpm 4.18 (rpmbuild, rpm; sqlite, ndb, bdb_ro), Berkeley DB 5.3 with python3-bsddb3, dpkg 1.21, pacman 6.0,
# sqlite 3.40, gnupg 2.2, zstd 1.5. Names and texts are made up here.
# Usage: make.sh OUTPUT-FOLDER
set -eu
out=$(realpath "$1"); work=$(mktemp -d); cd "$work"
export SOURCE_DATE_EPOCH=1700000000 TZ=UTC LC_ALL=C HOME="$work" GNUPGHOME="$work/gnupg"
# Equal for every package manager: name, epoch, version, release, architecture, states apart.
evr='%{NAME} %|EPOCH?{%{EPOCH}}:{-}| %{VERSION} %{RELEASE} %|ARCH?{%{ARCH}}:{-}| %|SIZE?{%{SIZE}}:{-}| %{INSTALLTIME}\n'

# --- rpm: one specification with many packages, so that trees have inner pages and records overflow.
mkdir -p gnupg top; chmod 700 gnupg
cat > spec <<'SPEC'
Name: payroll
Epoch: 1
Version: 2.0~rc1
Release: 3%{?dist}
Summary: Pays people
Vendor: Example Works
License: MIT
BuildArch: x86_64
%description
Pays people.
%files
/opt/payroll
%package -n kernel-core
Epoch: 0
Version: 5.14.0
Release: 503.11.1.el9_5
Summary: A kernel with thousands of files
%description -n kernel-core
Its header needs a long chain of pages.
%files -n kernel-core
/lib/modules
%package -n notes
Version: 1.0^20240101git
Release: 1
BuildArch: noarch
Summary: Notes of no processor
%description -n notes
Text.
%files -n notes
/opt/notes
SPEC
for i in $(seq 10 69); do
    printf '%%package -n small-%d\nVersion: %d\nRelease: 1\nSummary: Small %d\n' $i $i $i
    printf '%%description -n small-%d\nSmall.\n%%files -n small-%d\n/opt/small-%d\n' $i $i $i
done >> spec
cat >> spec <<'SPEC'
%install
mkdir -p %{buildroot}/opt %{buildroot}/lib/modules
echo pay > %{buildroot}/opt/payroll; echo note > %{buildroot}/opt/notes
for i in $(seq 10 69); do echo $i > %{buildroot}/opt/small-$i; done
for i in $(seq 1 1500); do echo $i > %{buildroot}/lib/modules/a-module-with-a-name-$i.ko; done
SPEC
rpmbuild -bb --quiet --target x86_64 --define "_topdir $work/top" --define 'dist .el9' \
    --define 'use_source_date_epoch_as_buildtime 1' --define '_buildhost example' spec >&2
gpg --batch --quiet --passphrase '' --quick-gen-key 'Example Works <key@example.com>' rsa2048 default never
gpg --armor --export > key.asc
# rpm on the database of folder $db. Debian's rpm cannot write ndb: RPM_NDB names one that was configured with
# --enable-ndb (the source of the same version builds in a minute).
rpm_on() {
    program=rpm; [ $backend != ndb ] || program=${RPM_NDB:-rpm}
    RPM_CONFIGDIR=/usr/lib/rpm $program --define "_dbpath $work/$db" --define "_db_backend $backend" "$@" 2>err ||
        { cat err >&2; return 1; }
}
list() { rpm_on -qa --qf "$evr" | sort > "$out/$1.list"; test -s "$out/$1.list"; }
pack() { zstd -q -19 -f "$1" -o "$out/$2.zst"; }

for backend in sqlite ndb; do
    db=$backend; mkdir $db
    rpm_on --initdb
    rpm_on --import key.asc
    rpm_on -i --justdb --nodeps --noscripts --nosignature --ignorearch --ignoreos \
        $(find top/RPMS -name '*.rpm' | sort)
    # Slots and blocks in the middle that are free again.
    [ $backend != ndb ] || rpm_on -e --justdb --nodeps small-30 small-31
    list rpm-$backend
done
pack sqlite/rpmdb.sqlite rpm-sqlite
pack ndb/Packages.db rpm-ndb

# Somebody else has the database open, so that the last change stays in the write-ahead log.
cp -r sqlite wal; backend=sqlite db=wal
/usr/bin/python3 - <<'PY'
import os, shutil, sqlite3, subprocess
reader = sqlite3.connect("wal/rpmdb.sqlite")
reader.isolation_level = None
reader.execute("begin")
reader.execute("select count(*) from Packages").fetchone()
rpm = ["rpm", "--define", "_dbpath " + os.getcwd() + "/wal", "--define", "_db_backend sqlite", "--nodeps", "--justdb"]
subprocess.run(rpm + ["-e", "small-20", "notes"], check=True)
os.mkdir("cut")
for name in ["rpmdb.sqlite", "rpmdb.sqlite-wal"]:
    shutil.copy("wal/" + name, "cut/" + name)
reader.close()
PY
cmp cut/rpmdb.sqlite sqlite/rpmdb.sqlite
pack cut/rpmdb.sqlite-wal rpm-wal-log
db=cut; list rpm-wal

# Berkeley DB as rpm up to 4.15 wrote it: the same headers in a hash, keys in the machine's byte order.
/usr/bin/python3 - <<'PY'
import sqlite3, struct
from bsddb3 import db
rows = sqlite3.connect("sqlite/rpmdb.sqlite").execute("select hnum, blob from Packages").fetchall()
for name, order, pack, size in [("bdb", 1234, "<I", 4096), ("bdb-big", 4321, ">I", 512)]:
    import os
    os.mkdir(name)
    out = db.DB()
    out.set_pagesize(size)
    out.set_lorder(order)
    out.open(name + "/Packages", dbtype=db.DB_HASH, flags=db.DB_CREATE)
    # Records that go leave free pages and short items behind.
    for number, blob in rows: out.put(struct.pack(pack, number), blob)
    for number, blob in rows: out.delete(struct.pack(pack, number))
    for number, blob in rows: out.put(struct.pack(pack, number), blob)
    out.put(struct.pack(pack, 0), struct.pack(pack, max(rows)[0] + 1))
    out.close()
PY
backend=bdb_ro db=bdb; list rpm-bdb; pack bdb/Packages rpm-bdb
pack bdb-big/Packages rpm-bdb-big

# --- dpkg: every state that a package can stay in.
mkdir -p root/var/lib/dpkg/info root/var/lib/dpkg/updates; : > root/var/lib/dpkg/status
deb() { # NAME VERSION ARCHITECTURE FIELD
    rm -rf deb; mkdir -p deb/DEBIAN deb/etc; echo "$1" > "deb/etc/$1"
    printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: Example Works <deb@example.com>\n' "$1" "$2" "$3" \
        > deb/DEBIAN/control
    printf 'Installed-Size: 12\n%bDescription: What %s does\n A longer text,\n .\n Version: of no meaning here.\n' "$4" "$1" \
        >> deb/DEBIAN/control
    printf '/etc/%s\n' "$1" > deb/DEBIAN/conffiles
    [ "$1" != breaks ] || printf '#!/bin/false\n' > deb/DEBIAN/postinst
    [ "$1" != breaks ] || chmod 755 deb/DEBIAN/postinst
    dpkg-deb --root-owner-group -b deb "$1.deb" >/dev/null
}
dpkg_on() { dpkg --root="$work/root" --force-not-root --force-script-chrootless --force-architecture --log=/dev/null "$@" >/dev/null 2>&1; }
deb plain 1.0 all ''; deb epoch 2:6.1~rc1-1+deb12u1 amd64 'Source: epoch-source (6.1)\n'
deb held 3-4 amd64 'Depends: plain (>= 1)\n'; deb removed 5-1 amd64 ''; deb opened 6-1 amd64 ''
deb breaks 7-1 amd64 ''; deb other 8-1 arm64 'Multi-Arch: same\n'
dpkg_on -i plain.deb epoch.deb held.deb removed.deb other.deb
echo held hold | dpkg --root="$work/root" --set-selections
dpkg_on -r removed; dpkg_on --unpack opened.deb; dpkg_on -i breaks.deb || true
cp root/var/lib/dpkg/status "$out/dpkg-status"
dpkg-query --admindir=root/var/lib/dpkg -W \
    -f '${Package} ${Version} ${Architecture} ${db:Status-Status}\n' | sort > "$out/dpkg.list"

# --- pacman: a package with an epoch, and one of no architecture.
mkdir -p arch/var/lib/pacman/local
for pair in plain:1.0-1:any kernel:2:6.12.1.arch1-1:x86_64; do
    name=${pair%%:*} rest=${pair#*:}; architecture=${rest##*:} version=${rest%:*}
    rm -rf tree; mkdir -p tree/opt; echo x > "tree/opt/$name"
    printf 'pkgname = %s\npkgbase = %s-base\npkgver = %s\npkgdesc = What %s does\nbuilddate = 1700000000\npackager = Example Works\nsize = 4096\narch = %s\n' \
        "$name" "$name" "$version" "$name" "$architecture" > tree/.PKGINFO
    tar -C tree --zstd -cf "$name.pkg.tar.zst" .PKGINFO opt
done
printf '[options]\nArchitecture = x86_64\nSigLevel = Never\nLocalFileSigLevel = Never\n' > pacman.conf
pacman_on() { pacman --config pacman.conf --root "$work/arch" --dbpath "$work/arch/var/lib/pacman" "$@"; }
pacman_on -U --dbonly --noconfirm --noscriptlet plain.pkg.tar.zst kernel.pkg.tar.zst >&2
pacman_on -Q | sort > "$out/pacman.list"
for name in plain kernel; do cp arch/var/lib/pacman/local/$name-*/desc "$out/pacman-$name"; done
rm -rf "$work"
