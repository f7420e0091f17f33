#!/usr/bin/perl
# Writes rpm's own kind of database (ndb, `Packages.db`) of headers that the real rpm wrote into
# its SQLite database: Debian's rpm is built without it. Reads lines `NUMBER HEX`, writes the file.
# The form: rpm's lib/backend/ndb/rpmpkg.c (header, slots of 16 bytes, blobs in blocks of 16).
use strict;
use warnings;

sub adler32 {
    my ( $low, $high ) = ( 1, 0 );
    for my $byte ( unpack 'C*', $_[0] ) {
        $low  = ( $low + $byte ) % 65521;
        $high = ( $high + $low ) % 65521;
    }
    return $high << 16 | $low;
}

my @headers;
while (<STDIN>) {
    my ( $number, $hex ) = split;
    push @headers, [ $number, pack 'H*', $hex ];
}
my $pages = int( ( 32 + 16 * @headers + 4095 ) / 4096 );
my ( $slots, $blobs, $last ) = ( '', '', 0 );
for (@headers) {
    my ( $number, $header ) = @$_;
    my $blocks = int( ( 16 + length($header) + 12 + 15 ) / 16 );
    my $blob = pack( 'a4 V V V', 'BlbS', $number, 1, length $header ) . $header;
    $blob .= "\0" x ( $blocks * 16 - 12 - length $blob );
    $blob .= pack 'V V a4', adler32($blob), length($header), 'BlbE';
    $slots .= pack 'a4 V V V', 'Slot', $number, $pages * 256 + length($blobs) / 16, $blocks;
    $blobs .= $blob;
    $last = $number if $number > $last;
}
my $table = pack( 'a4 V V V V x12', 'RpmP', 0, 1, $pages, $last + 1 ) . $slots;
# Slots that are free have their magic, too.
$table .= pack 'a4 x12', 'Slot' while length $table < $pages * 4096;
binmode STDOUT;
print $table, $blobs;
