"""The rules that give clip art its class: folders, words and keywords, and words that exclude.

The drawings' titles are English, Italian, French and German; so are the words.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """``folders``: exact folders below png/; ``words``: whole words; ``but``: words that exclude;
    ``keywords``: keywords that claim a picture wherever it is.  Words are alternatives of a
    regular expression.
    """

    folders: tuple[str, ...] = ()
    words: str = ""
    but: str = ""
    keywords: tuple[str, ...] = ()


RULES: dict[str, Rule] = {
    "arrow": Rule(
        folders=("shapes/arrows",),
        but="heart|boomerang",
        keywords=("arrowshape",),
    ),
    "speech bubble": Rule(
        folders=("shapes/callouts",),
        words="callout|speech|fumetto",
        keywords=("callout",),
    ),
    "smiley face": Rule(
        folders=("people/smilies",),
        words="smiley|smilie",
        but="egg",
    ),
    "stick figure": Rule(
        folders=("people/stickmen",),
        words="stickman|stick figure",
        keywords=("stickmen",),
    ),
    "hat": Rule(
        folders=("people/clothing/hats",),
        words="hat|cap|helmet|turban|toque|tophat",
        but="wand|magnet|golf|signorina",
    ),
    "balloon": Rule(
        words="balloons?|baloons?|palloncini|baloon\\d",
        but="heart|speech|aerestatico",
    ),
    "musical instrument": Rule(
        folders=("recreation/music",),
        words="guitar|violin|piano|drums?|trumpet|harp|flute|saxophone|cello|xylophone|maracas|"
        "trombone|tpt|horn",
        but="notes?|clef|record|jukebox|croche|man|bach|beethoveo|handel|vinyl|staff|quaver|"
        "headphones|gramophone|boombox|microphone|theory|saxowoman|jazz|disc|traffic|fifties|rpm|"
        "mail|sixteenth|unicorn",
    ),
    "sports equipment": Rule(
        words="ball|8ball|9ball|baseball|football|soccer|racket|racquets|bat|bowling|blowling|"
        "dartboard|golf|volley|volleyball|basketball|rugby|surfboard|skate|handball|tennis|"
        "pattino|shuttlecock|basebalm",
        but="shoes?|cap|orlando|drive|contour|boy|football helmet|player|dance|fire|christmas|eight",
    ),
    "toy": Rule(
        folders=("recreation/toys",),
        words="teddy|doll|robot|toy|rubik|blocks|rubber duck|kite|puzzle",
        but="ball|baseball|basebalm|dancer|dollar|surfboard|boomerang|saku",
    ),
    "weapon": Rule(
        folders=("tools/weapons",),
        words="gun|sword|pistol|rifle|bomb|grenade|katana|knife|dagger|cannon|axe|missile|shield",
        but="bullet|heart|boomerang|butter|security|computer|interior|spray",
    ),
    "boat": Rule(
        words="boat|sailboat|ship|sailing|trawler|barca|canoe|yacht|vela|nave|submarine|boating",
        but="knot|rules?|points|labels|sandwich|tacks|reaching|signal|space|flag|mate|relationship|capsize4",
        keywords=("boat",),
    ),
    "airplane": Rule(
        words="airplane|aircraft|plane|jet|airplanes|helicopter|aereo|shuttle|rocket",
        but="sign|text|toy|inkjet|aiga",
    ),
    "car": Rule(
        words="car|autos|hummer|blazer|cobra|chevrolet|celebrit|celebirt|dodge|toyota|bus|bus1|bus2|"
        "truck|ambulans|ambulanza|4wd|van|taxi|lorry|fire engine|redcar|sportcar|automobile|bmw|"
        "camion|jeep|suv",
        but="card|sign|aiga|ride|lane|stop|symbol|voip|gogh|opposite|length|lanes",
    ),
    "clock": Rule(
        folders=("signs_and_symbols/clocks",),
        words="clock|watch|orologio|cronometro|clessidra|hourglass|alarm clock|sveglia",
        but="fireman",
    ),
    "road sign": Rule(
        folders=("transportation/roadsigns",),
        words="traffic sign|road sign",
        keywords=("roadsign",),
    ),
    "warning sign": Rule(
        folders=("signs_and_symbols/hazard",),
        words="danger|hazard|warning|biohazard|toxique|inflammable|radioactive|attenzione|caution|"
        "pericolo|risque|matieres|interdiction|obligatoire|irritant|nocif|explosif|corrosif|"
        "comburant",
        keywords=(
            "warning",
            "caution",
        ),
    ),
    "flag": Rule(
        but="golf|semaphore|signal|man|icon|led",
        keywords=(
            "flag",
            "flags",
        ),
    ),
    "map": Rule(
        words="map|globe|coastline|outline|provinces|states|shading",
        but="symbol|icon|rpg|mapsym",
        keywords=(
            "map",
            "coastline",
        ),
    ),
    "planet": Rule(
        folders=(
            "geography/astronomy",
            "science/astronomy",
        ),
        words="planet|moon|earth|saturn|jupiter|mars|eclipse|luna|galaxy|comet|sun|neptune|uranus|mercury",
        but="flower|lumograph|dog|shine|glasses|sunset|palm|protection|map|north star|seal|telescope|"
        "microsystems",
    ),
    "weather": Rule(
        folders=("signs_and_symbols/weather",),
        words="cloud|clouds|cloudy|rain|rainy|snow|snowy|sunny|storm|rainbow|lightning|sunshine|nuage|"
        "snowflake|tornado|sole|fog",
        but="coat|boot|thought|orme|tag|umbrella|callout",
    ),
    "flower": Rule(
        folders=("plants/flowers",),
        words="flowers?|rose|rosa|tulips?|daffodil|sakura|daisy|magnolia|fiore|fiori|sunflower|orchid|"
        "lily|hydrangea|hosta|foxglove|daylily",
        but="pot|desktop|vacca|rossa",
    ),
    "tree": Rule(
        folders=(
            "plants/trees",
            "plants/trees/evergreen",
        ),
        words="trees?|palm|palmtree|albero|pine|conifer|deciduous|abete|arbre|oak|fir",
        but="leaf|saw|bowsaw|pruner|balls|fern|pilot|view|menu|file|list|palm pilot|cream",
    ),
    "fruit": Rule(
        folders=("food/fruit",),
        words="apple|banana|orange|pear|cherry|cherries|grapes|strawberry|lemon|pineapple|watermelon|"
        "peach|fruit|mela|pera|kiwi|plum",
        but="juice|pie|tree|computer|button|candied|slate|folder|theme|logo|led|turkey|balloon|"
        "burner|jam|muffin|sherbet|border",
    ),
    "vegetable": Rule(
        folders=("food/vegetables",),
        words="carrot|tomato|pepper|corn|onion|potato|pumpkin|zucca|pomodori|mushroom|champignon|"
        "cabbage|broccoli|lettuce|eggplant|garlic|cayennepepperrevisited|pea|peas|radish|"
        "cucumber|celery|turnip|zucchini|vegetable|vegitable|toadstool",
        but="dog|rings|chips|pizza|corner|popcorn|icon|turkey",
        keywords=(
            "vegetable",
            "vegitable",
        ),
    ),
    "dessert": Rule(
        folders=("food/desserts",),
        words="cake|ice cream|icecream|cone|cone1|cone2|cone3|cone4|pie|cookie|candy|donut|muffin|"
        "chocolate|gelato|torta|gateau|pudding|lollipop",
        but="chart|candle holder|traffic|egg muffin|english",
        keywords=(
            "dessert",
            "icecream",
            "desserts",
        ),
    ),
    "drink": Rule(
        folders=(
            "food/beverages",
            "food/beverages/alcohol",
        ),
        words="coffee|tea|juice|wine|beer|cocktail|soda|milk|water bottle|mug|cup|martini|espresso|"
        "cola|bottle|birra|vino",
        but="cake|baby|opener|cupcake|trophy|world|java|bread|measuring|champions|steam",
        keywords=("beverage",),
    ),
    "bread": Rule(
        folders=("food/breads_and_carbs",),
        words="bread|bagel|croissant|toast|bun|pretzel|biscuit|waffle|pancakes?|english muffin|roll|"
        "baguette|pane",
        but="wine|toaster|cinnamon|paint|panel|bunny|paint roller",
    ),
    "meal": Rule(
        folders=("food/meats_and_eggs",),
        words="burger|hamburger|hot dog|sandwich|pizza|soup|spaghetti|lasagna|burrito|taco|steak|fries|"
        "french fries|turkey|salad|breakfast|sausage|bacon|perogies|onion rings|chicken burger|"
        "omelette|egg|eggs|fondue|platter|sushi|rice|plate",
        but="pan|frying|campeggio|fuoco|easter|mcoon|license|template|smiling|uovo|hardware|price|metal",
    ),
    "insect": Rule(
        folders=("animals/bugs",),
        words="bee|ant|butterfly|ladybug|fly|mosquito|beetle|dragonfly|farfalla|ape|zanzara|formica|"
        "wasp|caterpillar|grasshopper|cockroach",
        but="virus|lumaca|flying plane|ragno|ragnetto|spider|man|firefly|button|carlos|bug report|"
        "tractor|emblem",
    ),
    "fish": Rule(
        folders=("animals/fish",),
        words="fish|shark|pesce|pescetto|goldfish|salmon|trout|seahorse|tuna|loach|cichlid|gourami|"
        "angelfish|squalo",
        but="amibe|dolphin|orca|whale|bluewhale|grenade|paesaggio|icthus|crawfish1|crawfish2|boat|"
        "fishing|crawfish|starfish|eye",
    ),
    "bird": Rule(
        folders=(
            "animals/birds",
            "animals/birds/penguin",
        ),
        words="bird|penguin|eagle|duck|dove|owl|gull|seagull|rooster|hen|chicken|swan|parrot|anatra|"
        "papera|colombo|gabbiano|struzzo|pennuto\\d*|pinguino\\d*|tux|crow|puffin|flamingo|turkey|"
        "tacchino|stork|peacock|gallo|gallina|uccello|cigno",
        but="bat|wing|platter|rubber|burger|flag|soup|simbolo|manager|emblem|leg|marchio|natale",
    ),
    "reptile": Rule(
        folders=(
            "animals/dinosaurs",
            "animals/amphibian",
        ),
        words="lizard|lucertola|lucertolona|lucertolone|snake|turtle|crocodile|alligator|dinosaur|dino|"
        "dragon|frog|frogs|rana|rana01|rana02|rana03|ramarro|serpente|tartaruga|iguana|gecko|"
        "toad|tortoise",
        but="fly|dragonfly|geko|gps|boat",
    ),
    "mammal": Rule(
        folders=(
            "animals/mammals",
            "animals/mammals/bears",
            "animals/mammals/big_cats",
            "animals/mammals/dogs",
            "animals/mammals/horses",
            "animals/mammals/housecats",
        ),
        words="dog|cat|horse|cow|bear|lion|tiger|elephant|monkey|pig|sheep|rabbit|bunny|wolf|fox|"
        "mouse animal|camel|giraffe|bison|mucca|pecorella|elefante|elefantone|cammello|cane|"
        "gatto|gatti|cavallo|deer|seal|bat|armadillo|orca|whale|dolphin|kangaroo|zebra|goat|"
        "rhino|hippo|panda|koala|leopard|squirrel|raccoon|beaver|skunk|olifant",
        but="hot|cricket|baseball|flag|scratching|scrathing|teddy|corn|sign|heading|symbol|mask|"
        "scodella|cow boy|emule|crossing|fish|batterie",
        keywords=("mammal",),
    ),
    "book": Rule(
        folders=("education/books",),
        words="book|books|bible|libro|diary|paperback|ksiega|notebook paper|dictionary",
        but="newspaper|squirrel|bookmark|scissors|addressbook|theme|laptop|apple|powerbook|notebook|"
        "ibook|help book|bibliografia",
    ),
    "stationery": Rule(
        words="pen|pencil|scissors|paperclip|clips|eraser|stapler|stappler|crayon|thumbtack|stamper|"
        "marker|clipboard|ruler|pinzatrice|puntine|scotch|ballpoint|feather|ink|pin|forbici|note|"
        "envelope|envelop|notebook|appunti|matita|penna",
        but="safety|tattoo|inkscape|nfpa|music|musical|tank|tail|inkjet|pin up|bank|doughnut|smiling|"
        "icon|drive|printer|pinup|bowling|tool|case",
    ),
    "furniture": Rule(
        folders=("buildings/furniture",),
        words="chair|table|sofa|couch|bed|desk|sedia|poltrona|tavolo|cabinet|bookcase|stool|furniture|"
        "armchair|dresser|lamp|lampada",
        but="tennis|television|periodic|barrel|desktop|vegetable|flower bed|spreadsheet|timetable|"
        "bedtime|aladino|cantiere|hurricane|man|road|multiplication",
    ),
    "clothing": Rule(
        folders=(
            "people/clothing",
            "people/clothing/jewelry",
            "people/clothing/pantyhose",
        ),
        words="shirt|shoes?|dress|pants|jacket|tie|boot|glove|mitten|sock|scarf|vestito|thongs|sandals|"
        "shorts|sunglasses|skirt|coat|jeans|borsetta|calzettoni|underwear|bra|socks",
        but="print|hat|baseball|horse|foot|donna|wedding|up|boots|address|window|manager|sub|neck|chain",
    ),
    "body part": Rule(
        folders=("people/bodypart",),
        words="eye|eyes|hand|hands|foot|feet|ear|mouth|lips|brain|tooth|heart anatomy|skull|finger|"
        "fingerprint|thumb|thumbs|nose|handshake|teeth|bone|skeleton|dente|occhio|mano",
        but="fawn|olifant|sandals|drawn|held|writing|bag|second|smile|frog|red|cross|hurricane|"
        "football|football|print symbol|eyed",
    ),
    "computer": Rule(
        folders=("computer/hardware",),
        words="computer|laptop|monitor|keyboard|printer|scanner|server|mouse|desktop pc|workstation|"
        "harddisk|pc|usb|floppy|lcd|modem|router|stampante|schermo|joystick",
        but="digital|gps|gameboy|cat|animal|musical|camera|rhythmbox|smile|music|lamp|mickey",
    ),
    "electronics": Rule(
        folders=(
            "electronics",
            "electronics/battery",
            "electronics/bulb",
            "office/telephone",
        ),
        words="camera|television|tv|telephone|phone|radio|camcorder|cellphone|battery|headphones|"
        "speaker|lightbulb|cellular|ipod|gramophone|boombox|jukebox|microphone|telefono|"
        "televisore|video|calculator|calcolatrice|handphone|gps|gameboy|antenna",
        but="pump|voip|head|tap|pfd|icon|card",
    ),
    "tool": Rule(
        words="hammer|wrench|screwdriver|saw|drill|shovel|axe|pliers|tool|tools|broom|bucket|brush|"
        "rake|leafrake|paintbrush|trowel|key|padlock|lock|gear|cog|anvil|magnifying|magnifing|"
        "lucchetto|chiave|ruota|cultivator|hedgeshear|bypasslopper|bypasspruner|roller|sega|"
        "motosega|martellare|scala|carriola|betoniera|vacuum|vavuum|telescope|compass|bussola|"
        "scalpel|mallot|puller|paint roller|hedge|spaclu|serratura\\d*|magnificator|mag\\d|lente|"
        "binoculars|binocolo|thermometer|ladder|bowsaw",
        but="tooth|blader|toolbar|keyboard|wheel|piano|tattoo|coaster|enter|hot|music|karate|hair|rpm",
    ),
    "building": Rule(
        folders=(
            "buildings",
            "buildings/homes",
        ),
        words="house|building|church|castle|home|factory|tower|school|lighthouse|casa|villa|fattoria|"
        "condominio|grattacieli\\d*|igloo|barn|hotel|temple|skyscraper|capitol|pinkhome\\d*|"
        "home\\d+|city|skyline|pyramid",
        but="horse|houses of|brick|sign|wall|wall1|aiga|hallway|icon|demolizione|gohome|server|plant|"
        "pc|modanatura|water|flag|homepage|go|firehouse|map|greenhouse effect|mouse|power",
    ),
    "pattern": Rule(
        folders=("special/patterns",),
    ),
    "person": Rule(
        folders=("people",),
        words="man|woman|girl|boy|lady|donna|ragazza|ragazzo|baby|police|nurse|doctor|dancer|child|"
        "signorina|principessa|chef|fireman|sailor|bride|groom|king|queen|clown|angel|pirate|"
        "grandpa|carpentiere\\d*|imbianchino|head\\d+|ppl\\d+",
        but="eyes?|hand|hands|bottle|gesture|skull|print|fingerprint|handshake|feet|chat|head of|"
        "symbol|sign|icon|icons|pattern|safety|lakshman|flag|mask|penguin|snow|snowman|cat|moon|"
        "card|chess|gender|silhouet|monkey|dog|punk|panty|egg|fire engine|bottle",
    ),
}
