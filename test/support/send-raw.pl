#!/usr/bin/perl
# Sends raw IP packets: a line on stdin is "4 ADDRESS HEX" or "6 ADDRESS HEX"; "sync WORD" is answered with the word.
use strict;
use warnings;
use Socket qw(AF_INET AF_INET6 SOCK_RAW inet_pton pack_sockaddr_in pack_sockaddr_in6);

$| = 1;
socket(my $four, AF_INET, SOCK_RAW, 255) or die "raw: $!";
socket(my $six, AF_INET6, SOCK_RAW, 255) or die "raw6: $!";
while (my $line = <STDIN>) {
  my ($what, $address, $hex) = split ' ', $line;
  if ($what eq 'sync') { print "$address\n"; next; }
  my $to = $what eq '4'
    ? pack_sockaddr_in(0, inet_pton(AF_INET, $address))
    : pack_sockaddr_in6(0, inet_pton(AF_INET6, $address));
  # A packet that the ruleset drops at output is an error here, and no news.
  send($what eq '4' ? $four : $six, pack('H*', $hex), 0, $to);
}
