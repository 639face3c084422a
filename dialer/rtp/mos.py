"""
Estimated mean opinion score (MOS) of one direction of a call, from what was counted of it. Pure.

The E-model (ITU-T G.107) adds impairments on a scale R of 0..100. With every parameter that nobody measures at its default it is

    R = 93.2 − Id − Ie,eff

- 93.2 is the R of the defaults (G.107 clause 7.7: an ordinary handset in an ordinary room, no delay, no loss).
- Id, of the delay `d` from mouth to ear, in milliseconds (Cole and Rosenbluth, "Voice over IP performance monitoring", ACM SIGCOMM CCR
  31(2), 2001: a fit to G.107 clause 7.4 with its defaults):  Id = 0.024 d + 0.11 max(0, d − 177.3)
- Ie,eff, of the codec and of the loss `p` in percent, lost at random (G.107 clause 7.5, BurstR = 1):  Ie,eff = Ie + (95 − Ie) p / (p + Bpl)
  with Ie = 0 for G.711, and Bpl = 25.1 where the ear's end conceals losses (G.711 Appendix I), 4.3 where it does not (G.113 Appendix I).
- MOS = 1 + 0.035 R + R (R − 60) (100 − R) 7·10⁻⁶, between 1 and 4.5 (G.107 Annex B).

It is an estimate, not a measurement of what was heard: echo, noise, the loudness and the phone at the other end are unknown, loss comes in bursts,
and what a mobile network behind the trunk does to the sound is not seen at all.
"""

from typing import Final

DEFAULT_R: Final = 93.2
BPL_CONCEALED: Final = 25.1
BPL_BARE: Final = 4.3
PACKET_MS: Final = 20.0
"""A packet is sent when its last sample has been spoken."""
BUFFER_JITTERS: Final = 2.0
"""How deep a jitter buffer is taken to be, in interarrival jitters (RFC 3550 §6.4.1); at least one packet."""
MIN_MOS: Final = 1.0
MAX_MOS: Final = 4.5
HUNDREDTHS: Final = 100
"""An estimate is kept as a whole number of them: what is shown of a call is what its sums are made of."""


def estimated_mos(
    loss: float, *, round_trip_ms: float | None, jitter_ms: float | None, is_concealed: bool = True
) -> float:
    """
    Return the estimated MOS, 1..4.5, of a direction that lost this share (0..1) of its packets.

    Half the round trip is taken for the network's delay; without one it counts as none, so that the estimate is then of the loss alone.
    """
    delay_ms = delay_of(round_trip_ms, jitter_ms)
    return mos_of(DEFAULT_R - delay_impairment(delay_ms) - loss_impairment(loss, is_concealed=is_concealed))


def delay_of(round_trip_ms: float | None, jitter_ms: float | None) -> float:
    """Return the delay from mouth to ear in milliseconds: network, one packet, jitter buffer."""
    return (round_trip_ms or 0.0) / 2 + PACKET_MS + max(PACKET_MS, BUFFER_JITTERS * (jitter_ms or 0.0))


def delay_impairment(delay_ms: float) -> float:
    """Return Id."""
    return 0.024 * delay_ms + 0.11 * max(0.0, delay_ms - 177.3)


def loss_impairment(loss: float, *, is_concealed: bool = True) -> float:
    """Return Ie,eff of G.711 for a share of packets lost at random."""
    percent = 100 * min(max(loss, 0.0), 1.0)
    return 95 * percent / (percent + (BPL_CONCEALED if is_concealed else BPL_BARE))


def mos_of(r: float) -> float:
    """Return the MOS of a rating R."""
    if r <= 0:
        return MIN_MOS
    if r >= 100:
        return MAX_MOS
    # between 0 and 6.5 the polynomial falls below the scale
    return max(MIN_MOS, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)
