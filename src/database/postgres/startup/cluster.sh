# A PostgreSQL server to try every way in, in the current folder.
# $1: where PostgreSQL's programs are; $2: the port.

# Who vouches for the server and for one of its users. The hash of the server's certificate is not the usual one: what
# SCRAM is bound to must follow it.
new_key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
openssl req -x509 $new_key -days 2 -subj /CN=authority -keyout authority.key -out authority.crt
echo 'subjectAltName = DNS:localhost' > names
for name in server certified; do
    openssl req -new $new_key -subj "/CN=$name" -keyout "$name.key" -out "$name.csr"
    openssl x509 -req -sha384 -days 2 -in "$name.csr" -extfile names \
        -CA authority.crt -CAkey authority.key -CAcreateserial -out "$name.crt"
done
# From nobody that anybody knows.
openssl req -x509 $new_key -days 2 -subj /CN=stranger -keyout stranger.key -out stranger.crt
chmod 600 ./*.key

"$1/initdb" --pgdata data --username postgres --auth trust --no-sync
cat > data/pg_hba.conf <<'END'
local   all postgres              trust
local   all all                   scram-sha-256
hostssl all certified 127.0.0.1/8 cert
host    all cleartext 127.0.0.1/8 password
host    all hashed    127.0.0.1/8 md5
host    all trusted   127.0.0.1/8 trust
host    all all       127.0.0.1/8 scram-sha-256
END
cat >> data/postgresql.conf <<END
port = $2
listen_addresses = '127.0.0.1'
unix_socket_directories = '$PWD'
ssl = on
ssl_ca_file = '$PWD/authority.crt'
ssl_cert_file = '$PWD/server.crt'
ssl_key_file = '$PWD/server.key'
fsync = off
END
"$1/pg_ctl" start --wait --pgdata data --log log
