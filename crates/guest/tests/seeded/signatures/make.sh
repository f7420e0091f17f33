#!/bin/sh
# Makes the signature of a machine's owner: a PKCS #7 message by OpenSSL. The keys are thrown away.
set -eu
out=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
make() {
    openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 3650 -subj "$2" 2>/dev/null
    openssl req -newkey rsa:2048 -nodes -keyout own.key -out own.csr -subj "$3" 2>/dev/null
    openssl x509 -req -in own.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -out own.pem 2>/dev/null
    echo detente | openssl cms -sign -binary -nodetach -noattr -nosmimecap -md sha256 \
        -signer own.pem -inkey own.key -outform DER -out "$out/$1.der"
}
make owner '/CN=Key of this machine' '/CN=Key of this machine, signing'
