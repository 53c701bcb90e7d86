"""The outline of trousers and shorts."""

from __future__ import annotations

from dataclasses import dataclass

from demo.curves import Points, curve, moved, path, points, symmetric
from demo.design import Design


@dataclass(frozen=True)
class Legs:
    """The right half of a pair of trousers: half widths and heights in design units."""

    top: float
    waist: float
    hip: float
    thigh: float
    knee: tuple[float, float]
    hem: tuple[float, float]
    rise: float
    bottom: float

    @property
    def crotch(self) -> float:
        return self.top + self.rise

    @property
    def knee_height(self) -> float:
        return self.crotch + 0.48 * (self.bottom - self.crotch)

    @property
    def outseam(self) -> Points:
        knots = [(self.waist, self.top), (self.hip, self.top + 0.62 * self.rise)]
        knots.append((self.thigh, self.crotch + 24))
        if self.bottom - self.crotch > 220:
            knots.append((self.knee[1], self.knee_height))
        knots.append((self.hem[1], self.bottom))
        return curve(*knots)

    @property
    def inseam(self) -> Points:
        """The inner edge of the right leg, from the hem upwards."""
        knots = [(self.hem[0], self.bottom + 5)]
        if self.bottom - self.crotch > 220:
            knots.append((self.knee[0], self.knee_height))
        knots += [(7, self.crotch + 36), (0, self.crotch)]
        return curve(*knots)

    @property
    def hem_line(self) -> Points:
        """The hem of the right leg, from the outer to the inner edge."""
        inner, outer = self.hem
        return curve(
            (outer, self.bottom), (0.5 * (inner + outer), self.bottom + 8), (inner, self.bottom + 5)
        )

    @property
    def outline(self) -> Points:
        middle = points((0, self.top + 12))
        return symmetric(path(middle, self.outseam, self.hem_line, self.inseam))

    def cuff(self, height: float) -> Points:
        """Return the closed outline of the lowest `height` units of the right leg."""
        inner, outer = self.hem
        upper = points((inner - 3, self.bottom + 5 - height), (outer + 3, self.bottom - height))
        return path(upper, moved(self.hem_line, x=3.0))


def legs_for(design: Design, style: str) -> Legs:
    """Return the outline for a leg or style of a cut; by default a straight leg."""
    rng = design.random("legs")
    w = 126.0 if design.for_women else 134.0
    slack = rng.uniform(-4, 5)
    hip = w + (30 if design.for_women else 18) + slack
    rise = rng.uniform(156, 172) + (14 if design.for_women else 0)
    match style:
        case "skinny" | "slim" | "chinos":
            loose = {"skinny": -10.0, "slim": 0.0, "chinos": 10.0}[style]
            knee, hem = (44 - loose, 146 + loose), (56 - loose, 136 + loose)
            return Legs(74, w, hip, hip + 3, knee, hem, rise, 734)
        case "flared":
            return Legs(74, w, hip, hip + 2, (44, 150), (34, 196), rise, 738)
        case "wide-leg trousers" | "wide-leg":
            return Legs(74, w - 4, hip + 6, hip + 18, (26, 192), (22, 212), rise + 14, 738)
        case "joggers":
            return Legs(80, w, hip + 6, hip + 10, (34, 162), (62, 130), rise + 8, 728)
        case "cargo trousers":
            return Legs(74, w, hip + 6, hip + 12, (26, 172), (34, 160), rise + 6, 734)
        case "chino shorts":
            return Legs(176, w + 22, hip + 32, hip + 40, (20, 200), (24, 196), rise + 22, 588)
        case "running shorts":
            return Legs(214, w + 26, hip + 46, hip + 58, (16, 222), (16, 232), rise + 26, 540)
        case "swim shorts":
            return Legs(196, w + 26, hip + 40, hip + 50, (16, 212), (18, 216), rise + 26, 560)
        case "denim shorts":
            return Legs(206, w + 22, hip + 34, hip + 42, (16, 206), (18, 210), rise + 30, 528)
        case _:
            return Legs(74, w, hip, hip + 7, (34, 158), (42, 150), rise, 734)
