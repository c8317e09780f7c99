// The emoji names that apps use most; others stay as `:name:`.

const NAMES = `
white_check_mark ✅|heavy_check_mark ✔️|x ❌|warning ⚠️|rotating_light 🚨|no_entry ⛔|no_entry_sign 🚫|question ❓|exclamation ❗
red_circle 🔴|large_green_circle 🟢|large_yellow_circle 🟡|large_orange_circle 🟠|large_blue_circle 🔵|large_purple_circle 🟣
white_circle ⚪|black_circle ⚫|large_green_square 🟩|large_red_square 🟥|large_yellow_square 🟨|black_small_square ▪️
hourglass ⌛|hourglass_flowing_sand ⏳|stopwatch ⏱️|timer_clock ⏲️|alarm_clock ⏰|watch ⌚|calendar 📅|spiral_calendar_pad 🗓️|date 📅
double_vertical_bar ⏸️|pause_button ⏸️|arrow_forward ▶️|black_square_for_stop ⏹️|arrows_counterclockwise 🔄|repeat 🔁|arrow_right ➡️
arrow_left ⬅️|arrow_up ⬆️|arrow_down ⬇️|small_red_triangle 🔺|small_red_triangle_down 🔻|heavy_plus_sign ➕|heavy_minus_sign ➖
package 📦|ship 🚢|whale 🐳|whale2 🐋|anchor ⚓|rocket 🚀|gear ⚙️|wrench 🔧|hammer 🔨|hammer_and_wrench 🛠️|toolbox 🧰|link 🔗|globe_with_meridians 🌐
key 🔑|old_key 🗝️|lock 🔒|unlock 🔓|closed_lock_with_key 🔐|shield 🛡️|eyes 👀|eye 👁️|mag 🔍|bell 🔔|no_bell 🔕|mega 📣|loudspeaker 📢|speech_balloon 💬
wave 👋|thumbsup 👍|+1 👍|thumbsdown 👎|-1 👎|ok_hand 👌|clap 👏|raised_hands 🙌|pray 🙏|muscle 💪|point_right 👉|point_up ☝️
tada 🎉|sparkles ✨|star ⭐|star2 🌟|fire 🔥|zap ⚡|boom 💥|bulb 💡|heart ❤️|green_heart 💚|blue_heart 💙|100 💯|trophy 🏆
smile 😄|slightly_smiling_face 🙂|grinning 😀|joy 😂|wink 😉|thinking_face 🤔|neutral_face 😐|disappointed 😞|cry 😢|sob 😭|scream 😱|sunglasses 😎|face_with_monocle 🧐
robot_face 🤖|ghost 👻|skull 💀|bug 🐛|ladybug 🐞|turtle 🐢|snail 🐌|construction 🚧|wastebasket 🗑️|pencil 📝|memo 📝|pencil2 ✏️|clipboard 📋|page_facing_up 📄
file_folder 📁|open_file_folder 📂|inbox_tray 📥|outbox_tray 📤|email 📧|bar_chart 📊|chart_with_upwards_trend 📈|chart_with_downwards_trend 📉
information_source ℹ️|bust_in_silhouette 👤|busts_in_silhouette 👥|house 🏠|office 🏢|cloud ☁️|sunny ☀️|snowflake ❄️|rainbow 🌈|coffee ☕|pizza 🍕|beer 🍺
one 1️⃣|two 2️⃣|three 3️⃣|four 4️⃣|five 5️⃣|label 🏷️|bookmark 🔖|pushpin 📌|round_pushpin 📍|test_tube 🧪|satellite_antenna 📡|electric_plug 🔌|battery 🔋
computer 💻|desktop_computer 🖥️|floppy_disk 💾|card_index_dividers 🗂️|card_file_box 🗃️|recycle ♻️|checkered_flag 🏁|triangular_flag_on_post 🚩|infinity ♾️|seedling 🌱`;

const TABLE = new Map(
  NAMES.trim()
    .split(/[|\n]/)
    .map((pair) => pair.split(" "))
    .map(([name, char]) => [name, char]),
);

/** The character of an emoji name, or `:name:` when it is not known. */
export function emoji(name) {
  const base = name.split("::")[0];
  return TABLE.get(base) ?? `:${name}:`;
}

/** Text with its `:names:` turned into characters. */
export function withEmoji(text) {
  return text.replace(/:([a-z0-9_+'-]+(?:::[a-z0-9_-]+)?):/g, (_whole, name) => emoji(name));
}
