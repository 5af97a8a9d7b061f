//! Forenames that stand for each other: the formal name and the short forms in common use in Scotland.
//!
//! A name may stand in several lines (ALEX is short for two). Two names are variants of one another if
//! one line holds both.

const SETS: &[&str] = &[
    "ALEXANDER ALEX ALEC ALICK ALASTAIR ALISTAIR ALASDAIR SANDY ECK XANDER",
    "ALEXANDRA ALEX SANDRA LEXIE ALEXA SASHA",
    "ANDREW ANDY DREW ANDRA",
    "ANTHONY TONY ANTON",
    "ARCHIBALD ARCHIE BALDIE",
    "BENJAMIN BEN BENNY",
    "CHARLES CHARLIE CHAS CHUCK",
    "CHARLOTTE CHARLIE LOTTIE",
    "CHRISTOPHER CHRIS KIT KRIS",
    "CHRISTINE CHRISTINA CHRIS CHRISSIE KIRSTY TINA",
    "DANIEL DAN DANNY",
    "DAVID DAVE DAVIE DAVY",
    "DONALD DON DONNIE",
    "DOUGLAS DOUG DOUGIE",
    "DUNCAN DUNKY",
    "EDWARD ED EDDIE TED TEDDY NED",
    "FRANCIS FRANK FRANKIE",
    "FREDERICK FRED FREDDIE",
    "GEORGE GEORDIE DOD",
    "GERALD GERRY",
    "GERARD GERRY GED",
    "GREGORY GREG GREGOR",
    "HENRY HARRY HAL",
    "HUGH HUGHIE SHUG SHUGGIE",
    "IAN IAIN",
    "JACOB JAKE",
    "JAMES JIM JIMMY JAMIE JIMMIE HAMISH",
    "JOHN JACK JOCK JOHNNY IAIN EOIN SEAN",
    "JONATHAN JON JONNY JONNIE",
    "JOSEPH JOE JOEY",
    "JOSHUA JOSH",
    "KENNETH KEN KENNY",
    "LAWRENCE LAURENCE LARRY LAURIE",
    "LEONARD LEN LENNY",
    "LEWIS LOUIS LEWIE LOU",
    "MALCOLM MALKY CALUM",
    "MATTHEW MATT MATTY",
    "MICHAEL MIKE MICK MICKEY MIKEY",
    "NATHANIEL NATHAN NATE NAT",
    "NICHOLAS NICK NICKY NICOLAS",
    "PATRICK PAT PADDY",
    "PETER PETE",
    "PHILIP PHIL PHILLIP",
    "RAYMOND RAY",
    "RICHARD RICK DICK RICKY RICHIE",
    "ROBERT BOB BOBBY ROB ROBBIE RAB BERT",
    "RODERICK RODDY RORY",
    "RONALD RON RONNIE RANALD",
    "SAMUEL SAM SAMMY",
    "SIMON SI",
    "STEPHEN STEVEN STEVE STEVIE STEFAN",
    "STUART STEWART STU STEW",
    "THOMAS TOM TOMMY TAM TAMMY",
    "TIMOTHY TIM",
    "WALTER WATTIE WALT",
    "WILLIAM BILL BILLY WILL WILLIE WULLIE LIAM",
    "ZACHARY ZAC ZACK ZACH",
    "ABIGAIL ABBIE ABBY ABI",
    "AGNES NANCY NESSIE NESTA SENGA",
    "AMELIA MILLIE AMY",
    "ANN ANNE ANNIE ANNA NAN NANCY",
    "BARBARA BABS BARBIE",
    "BEATRICE BEA BEATTIE TRIXIE",
    "CAROLINE CAROL CARRIE CARO",
    "CATHERINE KATHERINE KATHRYN CATRIONA KATE KATIE CATHY KATHY CATH KAY KITTY KATRINA",
    "CATRIONA CAITRIONA TRIONA RIONA",
    "DEBORAH DEBBIE DEBRA DEB",
    "DOROTHY DOT DOTTIE DOLLY DOREEN",
    "ELEANOR ELLIE NELL NORA LENORE",
    "ELIZABETH ELISABETH LIZ LIZZIE BETH BETTY BETTE ELSPETH LIBBY ELSIE LISA ELIZA EILIDH BESSIE",
    "ELLEN NELL NELLIE HELEN",
    "EMILY EMMA EM MILLIE",
    "FLORENCE FLO FLORRIE FLORA",
    "FRANCES FRAN FRANNIE FANNY",
    "GEORGINA GEORGIE GINA INA",
    "GILLIAN GILL JILL",
    "GRACE GRACIE",
    "HANNAH ANNA",
    "HELEN NELLIE ELLEN LENA ELENA ELA",
    "ISABELLA ISOBEL ISABEL ISHBEL BELLA IZZY ISA BELLE ELLA TIBBIE",
    "JACQUELINE JACKIE JACQUI",
    "JANE JEAN JANET JANIE JENNY SHEENA SINEAD JEANNIE JESSIE",
    "JENNIFER JEN JENNY JENNA",
    "JESSICA JESS JESSIE",
    "JOANNA JOANNE JO",
    "JOSEPHINE JO JOSIE",
    "JUDITH JUDY JUDE",
    "JULIA JULIE JULIET",
    "KIMBERLEY KIM",
    "LOUISE LOU LULU",
    "MARGARET MAGGIE PEGGY MEG MAISIE MARGO GRETA RITA MADGE MHAIRI PEG MARJORIE",
    "MARION MARIAN MAY MHAIRI",
    "MARY MARIE MOLLY MAIRI MHAIRI MAY POLLY MAMIE MINNIE MARIA",
    "MATILDA TILLY MATTIE",
    "NICOLA NICKY NIKKI",
    "OLIVIA LIV LIVVY",
    "PAMELA PAM",
    "PATRICIA PAT TRISH TRICIA PATSY PATTI",
    "PENELOPE PENNY",
    "PHILIPPA PIPPA PIP",
    "REBECCA BECKY BECCA REBEKAH",
    "RHONA RONA",
    "ROSEMARY ROSE ROSIE",
    "SAMANTHA SAM SAMMY",
    "SARAH SARA SALLY SADIE MORAG",
    "SOPHIE SOPHIA",
    "SUSAN SUE SUSIE SUZANNE SUSANNA",
    "THERESA TERESA TERRY TESS TRACY",
    "TIFFANY TIFF",
    "VALERIE VAL",
    "VICTORIA VICKY VIKKI TORI VIC",
    "VIRGINIA GINNY",
    "WILHELMINA MINA WILMA MINNIE INA",
    "WINIFRED WINNIE FREDA",
    "MOHAMMED MUHAMMAD MOHAMED MOHAMMAD MUHAMMED MO",
];

/// The lines a standardised name stands in, as a set of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sets(u128);

impl Sets {
    /// The first line that holds the name.
    pub(crate) const fn first(self) -> Option<u32> {
        if self.0 == 0 {
            None
        } else {
            Some(self.0.trailing_zeros())
        }
    }

    /// True if one line holds both names.
    pub(crate) const fn meet(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// The lines of each of some names. The table is read once.
pub(crate) fn sets_of<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Sets> {
    let mut table = std::collections::BTreeMap::<&str, u128>::new();
    for (line, set) in SETS.iter().enumerate() {
        for name in set.split(' ') {
            *table.entry(name).or_default() |= 1 << line;
        }
    }
    names
        .map(|name| Sets(table.get(name).copied().unwrap_or(0)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variants(left: &str, right: &str) -> bool {
        let sets = sets_of([left, right].into_iter());
        sets[0].meet(sets[1])
    }

    #[test]
    fn short_forms_meet_their_names() {
        assert!(variants("WILLIAM", "BILL"));
        assert!(variants("ALEX", "ALEXANDRA"));
        assert!(variants("ALEX", "ALEXANDER"));
        assert!(!variants("ALEXANDER", "ALEXANDRA"));
        assert!(!variants("WILLIAM", "ROBERT"));
        assert!(!variants("QQ", "ZZ"));
    }

    #[test]
    fn the_table_fits_its_bits() {
        assert!(SETS.len() <= 128);
        for set in SETS {
            assert!(
                set.split(' ')
                    .all(|name| name.bytes().all(|byte| byte.is_ascii_uppercase()))
            );
        }
    }
}
